"""Files that were once good: any cut, flipped, repeated or inserted bytes give samples or an error of ours."""

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steelyard.acts.reading import read
from steelyard.errors import SteelyardError
from steelyard.parts.sources import choose
from steelyard.values.samples import Samples

ROWS = [
    {"query": f"保温杯 {i // 3}", "title": f'不锈钢 "{i}", 500ml', "product_id": f"p{i}", "label": str(i % 3)}
    for i in range(9)
]


def packed() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), sink)
    return sink.getvalue()


def delimited(encoding: str) -> bytes:
    lines = ["query,title,product_id,label"]
    lines += ['{query},"{0}",{product_id},{label}'.format(r["title"].replace('"', '""'), **r) for r in ROWS]
    return ("\n".join(lines) + "\n").encode(encoding)


#: name -> (ending, content, options)
GOOD = {
    "csv": ("csv", delimited("utf-8"), {}),
    "gb18030": ("csv", delimited("gb18030"), {"encoding": "gb18030"}),
    "jsonl": ("jsonl", "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in ROWS).encode(), {}),
    "parquet": ("parquet", packed(), {}),
    "letor": ("letor", b"".join(b"%d qid:%d 1:%.2f 2:0.5 #d%d\n" % (i % 3, i // 3, i / 9, i) for i in range(9)), {}),
    "trec": ("qrels", b"".join(b"q%d 0 d%d %d\n" % (i // 3, i, i % 3) for i in range(9)), {}),
}


def opened(path: Path, options: dict) -> Samples:
    return read(choose(path, None, **options), path)


@pytest.mark.parametrize("name", [n for n in GOOD if n not in ("trec",)])
def test_the_good_file_is_read(name: str, tmp_path: Path) -> None:
    ending, content, options = GOOD[name]
    (tmp_path / f"t.{ending}").write_bytes(content)
    assert len(opened(tmp_path / f"t.{ending}", options)) == 9


def told(error: SteelyardError) -> None:
    assert error.say("en")
    assert error.say("zh")


@st.composite
def damage(draw, content: bytes) -> bytes:
    for _ in range(draw(st.integers(1, 3))):
        at, to = sorted((draw(st.integers(0, len(content))), draw(st.integers(0, len(content)))))
        kind = draw(st.sampled_from(["cut", "end", "flip", "insert", "repeat"]))
        if kind == "cut":
            content = content[:at] + content[min(to, at + 40) :]
        elif kind == "end":
            content = content[:to]
        elif kind == "flip" and at < len(content):
            content = content[:at] + bytes([content[at] ^ draw(st.integers(1, 255))]) + content[at + 1 :]
        elif kind == "insert":
            content = content[:at] + draw(st.binary(min_size=1, max_size=6)) + content[at:]
        else:
            content = content[:to] + content[at:to] + content[to:]
    return content


@pytest.mark.parametrize("name", GOOD)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_gives_samples_or_an_error_of_ours(name: str, tmp_path: Path, data) -> None:
    ending, content, options = GOOD[name]
    path = tmp_path / f"t.{ending}"
    path.write_bytes(data.draw(damage(content)))
    try:
        samples = opened(path, options)
    except SteelyardError as e:
        told(e)
        return
    assert samples.table.num_rows == len(samples.label) == len(samples.group)
    assert len(set(samples.row_key)) == len(samples)
