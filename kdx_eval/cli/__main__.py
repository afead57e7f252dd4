"""``python -m kdx_eval.cli``."""

from kdx_eval.cli import main

if __name__ == "__main__":
    main()
