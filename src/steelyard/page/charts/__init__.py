"""Charts as SVG written by hand: small, readable in both themes, never by colour alone."""
