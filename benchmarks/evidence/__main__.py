from benchmarks.evidence.run import main

main()
