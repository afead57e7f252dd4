"""Invented names of departments, processes and people."""

from __future__ import annotations

_DEPARTMENTS = {  # division -> (type, names)
    "総務部": ("管理", "総務課 人事課 契約課 管財課 危機管理課"),
    "企画部": ("管理", "企画政策課 DX推進課 広報広聴課 行政経営課"),
    "財政部": ("管理", "財政課"),
    "税務部": ("税務", "市民税課 資産税課 収納課 債権管理課 税制課"),
    "市民生活部": ("窓口", "市民課 国民健康保険課 年金医療課 中央出張所 北部出張所 南部出張所 東部出張所 市民活動支援課 消費生活センター"),
    "福祉部": ("福祉・保健", "福祉政策課 生活支援課 障害福祉課 高齢者支援課 介護保険課 地域包括支援課"),
    "こども部": ("福祉・保健", "こども政策課 保育運営課 子育て支援課 こども家庭センター"),
    "健康部": ("福祉・保健", "健康政策課 健康増進課 保健予防課 生活衛生課"),
    "環境部": ("土木・都市", "環境政策課 廃棄物対策課"),
    "都市部": ("土木・都市", "都市計画課 建築指導課 開発審査課 公園緑地課 住宅政策課 市街地整備課"),
    "土木部": ("土木・都市", "道路管理課 道路整備課 河川課 交通政策課 下水道課"),
    "教育委員会": ("教育・文化", "教育総務課 学校教育課 学校施設課 学校給食課 生涯学習課 文化財課 中央図書館 スポーツ振興課 青少年センター"),
}
DX_DEPARTMENT = "DX推進課"
_PROCESSES = {
    "窓口": "届出の受付 証明書の交付 窓口相談 資格の確認 通知の発送",
    "福祉・保健": "申請の審査 給付金の支給 訪問記録の作成 認定調査 台帳の更新",
    "税務": "申告書の入力 賦課の決定 還付の処理 督促状の発送 減免の審査",
    "管理": "文書の収受 伝票の審査 照会への回答 会議資料の作成 契約書の作成",
    "土木・都市": "許可申請の審査 占用の更新 要望への対応 工事書類の確認 図面の閲覧",
    "教育・文化": "施設予約の受付 就学の手続 備品の管理 行事の運営 補助金の交付",
}
_SURNAMES = (
    "佐藤:サトウ 鈴木:スズキ 高橋:タカハシ 髙橋:タカハシ 田中:タナカ 渡辺:ワタナベ 渡邉:ワタナベ 伊藤:イトウ 山本:ヤマモト "
    "中村:ナカムラ 小林:コバヤシ 加藤:カトウ 吉田:ヨシダ 𠮷田:ヨシダ 山田:ヤマダ 佐々木:ササキ 山口:ヤマグチ 松本:マツモト "
    "井上:イノウエ 木村:キムラ 斎藤:サイトウ 齋藤:サイトウ 林:ハヤシ 清水:シミズ 山崎:ヤマザキ 山﨑:ヤマザキ 森:モリ 池田:イケダ "
    "橋本:ハシモト 阿部:アベ 石川:イシカワ 前田:マエダ 藤田:フジタ 小川:オガワ 岡田:オカダ 後藤:ゴトウ 長谷川:ハセガワ 村上:ムラカミ "
    "近藤:コンドウ 石井:イシイ 坂本:サカモト 遠藤:エンドウ 青木:アオキ 藤井:フジイ 西村:ニシムラ 福田:フクダ 太田:オオタ 三浦:ミウラ "
    "岡本:オカモト 松田:マツダ 中島:ナカジマ 中川:ナカガワ 原田:ハラダ 小野:オノ 田村:タムラ 竹内:タケウチ 金子:カネコ 和田:ワダ "
    "中山:ナカヤマ 石田:イシダ 上田:ウエダ 森田:モリタ 原:ハラ 柴田:シバタ 酒井:サカイ 工藤:クドウ 横山:ヨコヤマ 宮崎:ミヤザキ "
    "宮本:ミヤモト 内田:ウチダ 高木:タカギ 谷口:タニグチ 大野:オオノ 丸山:マルヤマ 今井:イマイ 河野:コウノ 武田:タケダ 上野:ウエノ "
    "千葉:チバ 染谷:ソメヤ 野口:ノグチ 菅原:スガワラ 久保:クボ 増田:マスダ"
)
_GIVEN = (
    "翔太:ショウタ 健一:ケンイチ 大輔:ダイスケ 直樹:ナオキ 拓也:タクヤ 達也:タツヤ 和也:カズヤ 誠:マコト 隆:タカシ 浩二:コウジ "
    "裕太:ユウタ 亮:リョウ 剛:ツヨシ 学:マナブ 智也:トモヤ 雄介:ユウスケ 康平:コウヘイ 俊介:シュンスケ 悠斗:ユウト 陽介:ヨウスケ "
    "正樹:マサキ 秀樹:ヒデキ 修:オサム 徹:トオル 淳:ジュン 聡:サトシ 慎吾:シンゴ 涼:リョウ 美咲:ミサキ 陽子:ヨウコ 由美:ユミ 恵:メグミ "
    "真由美:マユミ 千尋:チヒロ 彩:アヤ 愛:アイ 麻衣:マイ 沙織:サオリ 香織:カオリ 裕子:ユウコ 久美子:クミコ 智子:トモコ 幸子:サチコ "
    "明日香:アスカ 理恵:リエ 優子:ユウコ 加奈:カナ 絵里:エリ 奈々:ナナ 里美:サトミ 恵子:ケイコ 葵:アオイ 結衣:ユイ 遥:ハルカ 舞:マイ "
    "由佳:ユカ 瞳:ヒトミ 桃子:モモコ"
)


def department_names(count: int) -> list[tuple[str, str, str]]:
    """``count`` of (name, division, type), the DX division first; beyond the list, names are numbered."""
    lists = [[(name, division, kind) for name in names.split()] for division, (kind, names) in _DEPARTMENTS.items()]
    # Round robin over the divisions, so that a small city still has every type.
    known = [rows[k] for k in range(max(map(len, lists))) for rows in lists if k < len(rows)]
    known.sort(key=lambda row: row[0] != DX_DEPARTMENT)
    rounds = [[(f"{name}{k + 1}" if k else name, division, kind) for name, division, kind in known] for k in range(count // len(known) + 1)]
    return [row for group in rounds for row in group][:count]


def process_name(kind: str, number: int) -> str:
    """The name of a department's ``number``-th process."""
    names = _PROCESSES[kind].split()
    return names[number % len(names)] + (f"（{number // len(names) + 1}）" if number >= len(names) else "")


def surnames() -> list[tuple[str, str]]:
    """Invented surnames with their kana, the more common first."""
    return [_pair(entry) for entry in _SURNAMES.split()]


def given_names() -> list[tuple[str, str]]:
    """Given names with their kana."""
    return [_pair(entry) for entry in _GIVEN.split()]


def _pair(entry: str) -> tuple[str, str]:
    written, kana = entry.split(":")
    return written, kana
