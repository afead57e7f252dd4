"""Dataset and question -> Panel (unit x month), with its gap report."""
