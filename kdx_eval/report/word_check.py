"""The city's own Word templates, looked at before the long work: fields that do not exist and commands that are not allowed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.errors import OutputError
from kdx_eval.report.word import CITY_FOLDER, check_package
from kdx_eval.report.word_template_answers import QUESTIONS_NAME, SPOKEN_NAME
from kdx_eval.resources import root_dir

if TYPE_CHECKING:
    from jinja2 import Environment

# What a template may show beside the fields of ours.
ALSO = {"budget_appendix.docx": frozenset(("author", "prior_empty", "prior_more", "synthetic")), QUESTIONS_NAME: frozenset(), SPOKEN_NAME: frozenset()}


def check_templates(data: Path) -> None:
    """Look at every template of the data folder that would replace one of ours.

    Raises
    ------
    OutputError
        A template is no Word file, cannot be parsed, names fields that do not exist (all of them are named) or reaches for what is not a field.
    """
    for name in ALSO:
        own = data / CITY_FOLDER / name
        if own.is_file():
            _check(own)


def known_fields(name: str) -> frozenset[str]:
    """The fields that a template of that name may show."""
    from docxtpl import DocxTemplate

    ours = DocxTemplate(str(root_dir("templates") / name)).get_undeclared_template_variables()
    return frozenset(ours) | ALSO[name]


def _check(template: Path) -> None:
    import jinja2
    from docxtpl import DocxTemplate
    from jinja2.sandbox import SandboxedEnvironment

    check_package(template)
    environment = SandboxedEnvironment(autoescape=True)
    try:
        document = DocxTemplate(str(template))
        document.init_docx()
        reached = _hidden_attributes(environment, document.patch_xml(document.get_xml()))
        used = DocxTemplate(str(template)).get_undeclared_template_variables(environment)
    except (jinja2.TemplateError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError("Wordのひな形を処理できません", place=template.name, hint="項目の書き方（{{ }}、{% %}）を確かめてください") from error
    if reached:
        raise OutputError("Wordのひな形に、許されていない命令があります", place=template.name, hint="項目の表示と繰り返しだけが使えます")
    unknown = sorted(used - known_fields(template.name))
    if unknown:
        raise OutputError(
            f"Wordのひな形に、存在しない項目があります（{'、'.join(name[:40] for name in unknown[:20])}）",
            place=template.name,
            hint=f"使える項目は {'、'.join(sorted(known_fields(template.name)))} です（見本は reports/templates/{template.name}）",
        )


def _hidden_attributes(environment: Environment, source: str) -> bool:
    """Whether the template asks for an attribute that begins with an underscore, the way out of a sandbox."""
    from jinja2 import nodes

    return any(node.attr.startswith("_") for node in environment.parse(source).find_all(nodes.Getattr))
