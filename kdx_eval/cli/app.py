"""The verbs of ``kdx-eval``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from kdx_eval.cli import planning, screen
from kdx_eval.cli.japanese import JapaneseCommand, JapaneseGroup, usage_error
from kdx_eval.cli.running import DEMO_SEED

_INTRO = """自治体DX研修の効果を、手元のファイルから測り、予算要求の附属資料まで作ります。

はじめての方は、次の順に試してください。

  kdx-eval demo              合成データで、できあがりを見る（約1分）

  kdx-eval templates 様式    何を集めればよいか、Excelの記入様式を書き出す

  kdx-eval check データ      何が分かり、何が分からないかを見る

  kdx-eval run データ        附属資料の下書きを作る

データのフォルダーには何も書き込みません（凍結した計画 plan.frozen.json だけは別です）。"""

app = typer.Typer(
    cls=JapaneseGroup,
    help=_INTRO,
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
plan_app = typer.Typer(
    cls=JapaneseGroup,
    help="評価の計画を作り（new）、結果を見る前に固定します（freeze）。",
    short_help="計画を作り（new）、固定する（freeze）",
    invoke_without_command=True,
)
pool_app = typer.Typer(
    cls=JapaneseGroup,
    help="他の市と結果を持ち寄ります。渡すファイルを作り（export）、受け取った結果をまとめます（combine）。個人の値は渡しません。",
    short_help="他の市と結果を持ち寄る（export、combine）",
    invoke_without_command=True,
)
app.add_typer(plan_app, name="plan")
app.add_typer(pool_app, name="pool")

DataArgument = Annotated[Path, typer.Argument(metavar="データ", help="ファイルを入れたフォルダー", show_default=False)]


@app.callback()
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@plan_app.callback()
def _plan_root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@pool_app.callback()
def _pool_root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(cls=JapaneseCommand, short_help="合成データの市で、できあがりを見る")
def demo(
    *,
    minimal: Annotated[bool, typer.Option("--minimal", help="最初の日に手元にある4つのファイルだけで試す")] = False,
    out: Annotated[Path | None, typer.Option(metavar="フォルダー", help="書き出す場所（既定は reports/demo-2027）")] = None,
    seed: Annotated[int, typer.Option(metavar="番号", help="合成データの乱数の種")] = DEMO_SEED,
) -> None:
    """合成データの市で、最初から最後まで動かしてみます。

    例:  kdx-eval demo

         kdx-eval demo --minimal --out 試し
    """
    from kdx_eval.cli.running import run_demo

    run_demo(out or Path("reports") / ("demo-2027-minimal" if minimal else "demo-2027"), minimal=minimal, seed=seed)


@app.command(cls=JapaneseCommand, short_help="ファイルが読めるか、何に答えられるかを見る")
def check(
    data: DataArgument,
    *,
    suggest_mapping: Annotated[bool, typer.Option("--suggest-mapping", help="読めない見出しや言葉の対応表（mapping.yaml）の案を作る")] = False,
    out: Annotated[Path | None, typer.Option(metavar="ファイル", help="対応表の案を書き出す場所")] = None,
) -> None:
    """ファイルを読み、何が読めて、何が読めず、何に答えられるかを示します。何も書き換えません。

    例:  kdx-eval check データ

         kdx-eval check データ --suggest-mapping --out 案.yaml
    """
    if suggest_mapping or out is not None:  # --out alone can mean nothing else
        from kdx_eval.cli.suggesting import show_suggestion

        show_suggestion(data, out=out)
        return
    from kdx_eval.cli.checking import show_check

    show_check(data)


@app.command(cls=JapaneseCommand, short_help="評価をすべて行い、附属資料を書き出す")
def run(
    data: DataArgument,
    *,
    plan: Annotated[Path | None, typer.Option(metavar="計画", help="計画のファイル（なければ提案）")] = None,
    out: Annotated[Path | None, typer.Option(metavar="フォルダー", help="書き出す場所（既定は reports/fy<要求年度>-request）")] = None,
) -> None:
    """評価をすべて行い、附属資料・結果・サイトを書き出します。途中で止めても、次は続きから始まります。

    例:  kdx-eval run データ

         kdx-eval run データ --plan plan.yaml --out reports/試算
    """
    from kdx_eval.cli.running import run_and_report

    run_and_report(data, plan=plan, out=out)


@app.command(cls=JapaneseCommand, short_help="書き出したものが記録どおりかを確かめる")
def verify(
    folder: Annotated[Path, typer.Argument(metavar="フォルダー", help="run や demo が書き出したフォルダー", show_default=False)],
    data: Annotated[Path | None, typer.Option(metavar="データ", help="もとのデータも記録と照らし合わせる")] = None,
) -> None:
    """書き出したものが、実行の記録（manifest.json）のとおりかを確かめます。

    例:  kdx-eval verify reports/fy2027-request
    """
    from kdx_eval.cli.checking import show_verify

    show_verify(folder, data=data)


@app.command(cls=JapaneseCommand, short_help="文書の数字から、もとのファイルまでたどる")
def trace(
    key: Annotated[str | None, typer.Argument(metavar="数字", help="番号（F12）、名前（request.yen）、または文書に書かれた数字", show_default=False)] = None,
    *,
    run: Annotated[Path | None, typer.Option("--run", metavar="フォルダー", help="run や demo が書き出したフォルダー（既定は最も新しいもの）")] = None,
    listed: Annotated[bool, typer.Option("--list", help="すべての数字の番号と名前を並べる（語を添えると絞り込む）")] = False,
) -> None:
    """文書に書かれた数字から、計算の式、もとのファイル・シート・行数までたどります。

    例:  kdx-eval trace F12 --run reports/fy2027-request

         kdx-eval trace "1,234時間"

         kdx-eval trace --list 要求額
    """
    from kdx_eval.cli.tracing import show_trace

    show_trace(key, run=run, listed=listed)


@app.command(cls=JapaneseCommand, short_help="記入様式と照会文を書き出す")
def templates(
    folder: Annotated[Path, typer.Argument(metavar="フォルダー", help="様式を書き出す場所", show_default=False)],
    *,
    data: Annotated[Path | None, typer.Option(metavar="データ", help="所属を読み、課ごとの照会文と様式を作る")] = None,
    year: Annotated[str | None, typer.Option(metavar="年度", help="予算要求の年度（2027、R9 など。既定は来年度）")] = None,
) -> None:
    """データの記入様式（Excel）、人事課や各課への照会文（Word）、日程表、計画の答えを書く用紙（answers.xlsx）を書き出します。

    例:  kdx-eval templates 様式

         kdx-eval templates 様式 --data データ --year R9
    """
    from kdx_eval.cli.exchange import ask_for_data

    ask_for_data(folder, data=data, year=year)


@app.command(cls=JapaneseCommand, short_help="氏名を除き、職員番号を符号に置き換える")
def pseudonymise(
    data: DataArgument,
    out: Annotated[Path, typer.Option(metavar="フォルダー", help="仮名にしたファイルを書き出す場所（空のフォルダー）", show_default=False)],
    *,
    key: Annotated[Path | None, typer.Option(metavar="鍵", help="鍵のファイル（なければ作る。既定は利用者の領域）")] = None,
) -> None:
    """氏名を除き、職員番号を鍵がなければ戻せない符号に置き換えます。人事課が、渡す前に、人事課のパソコンだけで使います。

    職員名簿だけでも動きます。氏名だけの受講者名簿は、必ず職員名簿と同じフォルダーに入れて一度に処理してください。別々に処理すると、後から同じ人と分かりません。
    職員番号のある名簿は、同じ鍵を使えば別の日に処理しても突き合わせられます。

    例:  kdx-eval pseudonymise 人事データ --out 渡すデータ

         kdx-eval pseudonymise 人事データ --out 渡すデータ --key 鍵/仮名化.key
    """
    from kdx_eval.cli.exchange import take_names_out

    take_names_out(data, out=out, key=key)


@app.command(cls=JapaneseCommand, short_help="ノートブックをJupyterLabで開く")
def lab(
    data: Annotated[Path | None, typer.Argument(metavar="データ", help="ファイルを入れたフォルダー（なければ合成データ）", show_default=False)] = None,
    *,
    out: Annotated[Path | None, typer.Option(metavar="フォルダー", help="ノートブックを置いて作業する場所（既定は reports/lab-<データ>）")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="ブラウザーを開かない")] = False,
) -> None:
    """ノートブックの写しを作業用のフォルダーに置き、JupyterLabで開きます。

    例:  kdx-eval lab データ
    """
    from kdx_eval.cli.lab import open_lab

    open_lab(data, out=out, browser=not no_browser)


@app.command(cls=JapaneseCommand, short_help="来年度に受ける順番を抽選で決める")
def rollout(
    data: DataArgument,
    *,
    seed: Annotated[str, typer.Option(metavar="種", help="抽選の種。その日に公表される数字など、あとから選べないもの", show_default=False)],
    plan: Annotated[Path, typer.Option(metavar="計画", help="いまの計画", show_default=False)],
    out: Annotated[Path, typer.Option(metavar="フォルダー", help="書き出す場所")] = Path("rollout"),
    waves: Annotated[int, typer.Option(metavar="回", help="回の数（0 なら確率で決める）")] = 0,
    first_month: Annotated[str, typer.Option("--first-month", metavar="年月", help="最初の回の月（2027-07 の形。なければ要求年度の7月）")] = "",
) -> None:
    """まだ研修が届いていない課を、区分ごとの抽選で数回に分け、順番表・来年度の計画・課長への説明を書き出します。

    例:  kdx-eval rollout データ --plan plan.yaml --seed "2027-03-01 日経平均終値 38,456"
    """
    from kdx_eval.cli.rollout import write_rollout

    write_rollout(data, plan=plan, out=out, word=seed, waves=waves, first_month=first_month)


@pool_app.command("export", cls=JapaneseCommand, short_help="渡すファイルを作る")
def pool_export(
    run: Annotated[Path, typer.Argument(metavar="実行", help="run が書き出したフォルダー", show_default=False)],
    data: DataArgument,
    *,
    question: Annotated[str, typer.Option(metavar="番号", help="問いの番号（q1 など）", show_default=False)],
    city: Annotated[str, typer.Option(metavar="コード", help="全国地方公共団体コード（柏市は122173）", show_default=False)],
    out: Annotated[Path | None, typer.Option(metavar="ファイル", help="書き出すファイル（.json）。なければ、見るだけで何も書き出しません")] = None,
    contrast_only: Annotated[bool, typer.Option("--contrast-only", help="効果の対比だけを渡し、開始時期ごとの値は渡さない")] = False,
) -> None:
    """渡すファイルに入るものをすべて画面に示します。--out があれば書き出します。10人または3課に満たない区切りがあれば書き出しません。

    例:  kdx-eval pool export reports/fy2027-request データ --question q1 --city 122173

         kdx-eval pool export reports/fy2027-request データ --question q1 --city 122173 --out 渡す/柏市.json
    """
    from kdx_eval.cli.pooling import export

    export(run, data, question=question, city=city, out=out, contrast_only=contrast_only)


@pool_app.command("combine", cls=JapaneseCommand, short_help="受け取った結果をまとめる")
def pool_combine(
    files: Annotated[list[Path], typer.Argument(metavar="ファイル...", help="各市の結果のファイル（二つ以上）", show_default=False)],
    *,
    common_design: Annotated[bool, typer.Option("--common-design", help="すべての市が同じ計画で合意しているとき、一つの市のように合わせた値も示す")] = False,
) -> None:
    """市の中で比べた差をまとめます。書き出した後に変わったファイルや、同じ課を含むファイルは受け付けません。

    例:  kdx-eval pool combine 受領/柏市.json 受領/我孫子市.json
    """
    from kdx_eval.cli.pooling import combine

    combine(files, common_design=common_design)


@plan_app.command("new", cls=JapaneseCommand, short_help="6つの質問から計画を作る")
def plan_new(
    data: DataArgument,
    *,
    answers: Annotated[Path | None, typer.Option(metavar="用紙", help="答えを書いた answers.xlsx（kdx-eval templates で書き出せます）")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="質問をせず、提案をそのまま使う")] = False,
    out: Annotated[Path, typer.Option(metavar="ファイル", help="計画を書き出す場所")] = Path("plan.yaml"),
) -> None:
    """6つの質問に答えて、評価の計画を作ります。受講の日付だけを見て比べ方を提案し、結果の数字は見ません。

    例:  kdx-eval plan new データ

         kdx-eval plan new データ --answers answers.xlsx
    """
    planning.new_plan(data, answers=answers, yes=yes, out=out)


@plan_app.command("freeze", cls=JapaneseCommand, short_help="計画を固定する")
def plan_freeze(plan: Annotated[Path, typer.Argument(metavar="計画", help="plan.yaml", show_default=False)]) -> None:
    """計画を固定し、日付と照合用の符号を plan.frozen.json に残します。結果を見る前に行ってください。

    例:  kdx-eval plan freeze データ/plan.yaml
    """
    planning.freeze(plan)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status: 0, the status of the error's class, or 70 for an unexpected one."""
    screen.prepare_streams()

    def action() -> int:
        try:
            status = app(arguments, standalone_mode=False, prog_name="kdx-eval")
        except TyperException as error:
            raise usage_error(error) from None
        except typer.Abort:
            raise KeyboardInterrupt from None
        return int(status or 0)

    status = screen.guarded(action)
    sys.stdout.flush()
    sys.exit(status)
