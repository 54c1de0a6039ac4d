"""Benign requests to a web shop that does not exist: a generator, so that no person's log is needed.

A request is text: ``METHOD target``, then ``|`` and the body where it has one. The shop sells parts for makers and keeps
a forum where people paste code, pages that its editors write in HTML, and reports that its staff filter with SQL. So
text that looks like an attack is ordinary in some fields, as in any real log, and an attack in others.

``release`` 1 is the shop in weeks 1 to 10. Release 2 (weeks 11 and 12) brings GraphQL, another search syntax and new
addresses of pictures: nothing is attacked more than before, but the traffic has changed.
"""

# ruff: noqa: E501, S608

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Sequence
from urllib.parse import quote, quote_plus

PRODUCTS = """usb cable|raspberry case|stepper motor|soldering iron|led strip|breadboard|jumper wires|heat sink|servo|
relay board|temperature sensor|oled display|power supply 12v|lipo battery|charger|enclosure|spacers m3|pcb holder|
multimeter|oscilloscope probe|hot air station|esp32 board|rfid reader|camera module|microphone|fan 40mm|drone frame|
filament pla|nozzle 0.4|extruder|bearing 608|timing belt|tools set|crimp tool|heat shrink|rotary encoder|keypad""".replace(
    "\n", ""
).split("|")
WORDS = [
    "the",
    "a",
    "for",
    "with",
    "and",
    "or",
    "not",
    "to",
    "from",
    "in",
    "select",
    "union",
    "all",
    "order",
    "by",
    "group",
    "table",
    "drop",
    "update",
    "insert",
    "into",
    "where",
    "set",
    "like",
    "is",
    "null",
    "case",
    "when",
    "then",
    "else",
    "end",
    "as",
    "having",
    "between",
    "good",
    "small",
    "large",
    "cheap",
    "best",
    "original",
    "spare",
    "used",
    "new",
    "old",
    "kit",
    "part",
    "my",
    "our",
    "your",
    "his",
    "her",
    "works",
    "well",
    "broken",
    "arrived",
    "late",
    "fast",
    "thanks",
    "please",
    "help",
    "cannot",
    "does",
    "fit",
    "screw",
    "cable",
    "board",
    "red",
    "blue",
    "black",
    "left",
    "right",
    "only",
    "one",
    "two",
    "five",
    "ten",
    "more",
    "than",
    "less",
    "very",
    "same",
    "other",
    "because",
    "if",
    "while",
    "after",
    "before",
    "sleep",
    "wait",
    "load",
    "file",
    "script",
    "window",
    "document",
    "image",
    "source",
    "link",
    "post",
    "get",
    "put",
    "delete",
    "execute",
    "system",
    "shell",
    "root",
    "admin",
    "user",
    "password",
    "cat",
    "find",
    "head",
    "tail",
    "echo",
    "time",
    "date",
    "who",
    "uname",
    "id",
    "copy",
    "print",
    "eval",
    "include",
    "require",
    "base",
    "char",
    "count",
    "sum",
    "cast",
    "convert",
    "exec",
]
NAMES = [
    "Anna",
    "Léa",
    "Jean-Luc",
    "Siobhán",
    "Marc",
    "Noémie",
    "Tom",
    "D'Arcy",
    "Zoë",
    "Max",
    "Inês",
    "Paul",
    "Chloé",
    "Björn",
    "Maïté",
    "Lou",
    "Sean",
    "Nora",
]
SURNAMES = [
    "O'Brien",
    "Müller",
    "Schmit",
    "Weber",
    "D'Angelo",
    "da",
    "Silva",
    "Thill",
    "O'Neill",
    "Hoffmann",
    "Garçon",
    "Núñez",
    "Li",
    "Ng",
    "Kieffer",
    "N'Diaye",
]
STREETS = ["rue de l'Eau", "Am Bach", "Grand-Rue", "Cité 'Op der Haard'", "Bd. d'Avranches", "Route d'Arlon", "Wee"]
CATEGORIES = [
    "cables",
    "motors",
    "sensors",
    "displays",
    "power",
    "tools",
    "3d-printing",
    "boards",
    "audio",
    "drones",
    "cases",
    "union-fittings",
    "selectors",
]
TABLES = ["orders", "customers", "products", "stock", "reviews", "invoices", "shipments", "returns"]
COLUMNS = ["id", "name", "price", "qty", "created_at", "country", "status", "total", "email", "sku", "weight"]
AGENTS = ["newsletter", "summer-sale", "back_to_school", "social-1", "partner%7Cblog", "gads"]

Make = Callable[[random.Random], str]


def dice(seed: int) -> random.Random:
    """Random numbers that come again with the same seed."""
    return random.Random(seed)  # noqa: S311


def _pick(rng: random.Random, options: Sequence[str]) -> str:
    return options[int(rng.random() * len(options))]


def words(rng: random.Random, low: int, high: int) -> str:
    """Some words, as a person writes them: now and then with marks that attacks have too."""
    text = " ".join(
        _pick(rng, WORDS) if rng.random() < 0.7 else _pick(rng, PRODUCTS) for _ in range(rng.randint(low, high))
    )
    end = rng.random()
    if end < 0.15:
        text += _pick(
            rng, ["!", "?", "...", " :)", " ;-)", " (!)", " -- thanks", " <3", " & more", " 5/5", " #1", "'s"]
        )
    elif end < 0.25:
        text = text.replace(" and ", " && ").replace(" is ", " = ").replace(" or ", " / ")
    elif end < 0.32:
        text = f'"{text}"'
    return text


def sql(rng: random.Random) -> str:
    """A query such as staff keep in a report, or somebody asks about in the forum."""
    table, other = _pick(rng, TABLES), _pick(rng, TABLES)
    some = ", ".join(rng.sample(COLUMNS, rng.randint(1, 3)))
    a, b = _pick(rng, COLUMNS), _pick(rng, COLUMNS)
    return _pick(
        rng,
        [
            f"SELECT {some} FROM {table} WHERE {a} > {rng.randint(1, 99)} AND {b} = '{_pick(rng, WORDS)}'",
            f"select count(*) from {table} group by {a} order by 1 desc limit {rng.randint(5, 50)}",
            f"SELECT {some} FROM {table} UNION ALL SELECT {some} FROM {other} -- both",
            f"UPDATE {table} SET {a} = {rng.randint(1, 9)} WHERE {b} IS NULL; COMMIT;",
            f"{a} >= {rng.randint(1, 99)} and {b} <> '{_pick(rng, WORDS)}' or {a} is null",
            f"{a} in ({rng.randint(1, 9)},{rng.randint(10, 99)}) and {b} like '%{_pick(rng, WORDS)}%'",
            f"sum({a}) / nullif(count({b}), 0) > {rng.random():.2f}",
            f"case when {a} = '1' then concat({b}, ' x') else cast({a} as char) end",
        ],
    )


def code(rng: random.Random) -> str:
    """What people paste into a forum of makers."""
    product, word, number = _pick(rng, PRODUCTS).split()[0], _pick(rng, WORDS), rng.randint(1, 99)
    return _pick(
        rng,
        [
            f"sudo apt-get update && sudo apt-get install -y lib{product}-dev; cat /etc/os-release",
            f"curl -s https://get.example.org/{product}.sh | bash -s -- --{word}",
            f"for i in $(ls /dev/ttyUSB*); do echo $i; cat $i | head -n {number}; done",
            f"$ find . -name '*.{word}' -exec rm {{}} \\; && ping -c 4 192.168.1.{number}",
            f"<?php echo file_get_contents('data/{product}.txt'); phpinfo(); ?>",
            f"import os; os.system('python {product}.py --{word} {number}')",
            f"<script>document.getElementById('{product}').innerHTML = '{word}'; setTimeout(run, {number}00);</script>",
            f"#include <{product}.h> void loop() {{ analogWrite({number}, {word}); delay({number}0); }}",
            f'<img src="{product}.png" onload="show({number})"> <iframe src="//video.example/{number}"></iframe>',
            f"diff --git a/../{product}.c b/../{product}.c; wget http://files.example/{word}.tgz -O /tmp/x.tgz",
            f'System.out.println("{word}"); Runtime.getRuntime().exec("{product}");',
            f"{{{{ {product}.{word} | default({number}) }}}} ${{{word.upper()}}} `{product} --{word}`",
            sql(rng),
            sql(rng),
        ],
    )


def markup(rng: random.Random) -> str:
    """What the shop's editors save as a page."""
    word, product = _pick(rng, WORDS), _pick(rng, PRODUCTS)
    return _pick(
        rng,
        [
            f'<p>{words(rng, 4, 12)}</p><a href="/p/{rng.randint(1, 999)}" onclick="track(\'{word}\')">{product}</a>',
            f'<h2 style="color:red">{product}</h2><ul><li>{words(rng, 2, 5)}</li><li>{word}</li></ul>',
            f"<script src=\"https://stats.example/{word}.js\" async></script><div id='{word}'>{product}</div>",
            f'<iframe width=560 src="https://video.example/embed/{rng.randint(1, 9999)}" allowfullscreen></iframe>',
            f'<img src=x-{rng.randint(1, 99)}.webp alt="{product}" onerror="this.src=\'/img/none.png\'">',
            f"<form action=\"/newsletter\" method=post><input name={word} value='{product}'></form><!-- {word} -->",
        ],
    )


def token(rng: random.Random, low: int = 12, high: int = 60) -> str:
    """An opaque value: base64, hexadecimal, or what a password manager makes."""
    raw = rng.randbytes(rng.randint(low, high))
    kind = rng.random()
    if kind < 0.4:
        return base64.b64encode(raw).decode()
    if kind < 0.7:
        return raw.hex()[:high]
    return "".join(chr(33 + byte % 94) for byte in raw[:20])


def person(rng: random.Random) -> str:
    return f"{_pick(rng, NAMES)} {_pick(rng, SURNAMES)}"


def form(rng: random.Random, fields: dict[str, str]) -> str:
    """A form's body or a query, percent-encoded as browsers, scripts and crawlers do it."""
    style = rng.random()
    if style < 0.6:
        encode: Callable[[str], str] = quote_plus
    elif style < 0.85:

        def encode(text: str) -> str:
            return quote(text, safe="/:()',;*!@$")

    else:

        def encode(text: str) -> str:
            return quote(text, safe="/:()',;*!@$<>=\"{}[]`^?")

    return "&".join(f"{name}={encode(value)}" for name, value in fields.items())


def search(rng: random.Random, text: str) -> str:
    """A search for this text, with the fields that the shop's page sends along."""
    fields = {"q": text}
    if rng.random() < 0.4:
        fields["sort"] = _pick(rng, ["price", "-price", "name", "newest"])
    if rng.random() < 0.3:
        fields["page"] = str(rng.randint(1, 9))
    if rng.random() < 0.2:
        fields["utm_source"] = _pick(rng, AGENTS)
    return f"GET /search?{form(rng, fields)}"


def _search(rng: random.Random) -> str:
    text = _pick(rng, PRODUCTS) if rng.random() < 0.6 else words(rng, 1, 5)
    return search(rng, text)


def _page(rng: random.Random) -> str:
    number = rng.randint(1, 9999)
    return _pick(
        rng,
        [
            "GET /",
            f"GET /p/{number}",
            f"GET /p/{number}-{_pick(rng, PRODUCTS).replace(' ', '-')}",
            f"GET /c/{_pick(rng, CATEGORIES)}?{form(rng, listing(rng))}",
            f"GET /static/app.{rng.randbytes(4).hex()}.js",
            f"GET /img/{number}.webp?w={rng.choice([200, 400, 800])}",
            f"GET /sitemap-{rng.randint(1, 9)}.xml",
            f"GET /?gclid={token(rng, 20, 40).replace('&', '')}&utm_campaign={_pick(rng, AGENTS)}",
        ],
    )


def _interface(rng: random.Random) -> str:
    number = rng.randint(1, 9999)
    return _pick(
        rng,
        [
            f"GET /api/v1/products?{form(rng, products(rng))}",
            f"GET /api/v1/orders?{form(rng, orders(rng))}",
            f"POST /api/v1/cart|{json.dumps(line(rng))}",
            f"GET /api/v1/suggest?{form(rng, {'q': words(rng, 1, 2), 'callback': f'jQuery{number}_{number}'})}",
        ],
    )


def login(rng: random.Random) -> dict[str, str]:
    mail = f"{_pick(rng, NAMES).lower()}.{_pick(rng, SURNAMES).lower()}+{rng.randint(1, 99)}@mail.example"
    target = _pick(rng, ["/account", "/cart?step=2", "https://shop.example/", f"/p/{rng.randint(1, 999)}"])
    return {"email": mail, "password": token(rng, 8, 20), "next": target}


def address(rng: random.Random) -> dict[str, str]:
    return {
        "name": person(rng),
        "street": f"{rng.randint(1, 200)}, {_pick(rng, STREETS)}",
        "phone": f"(+352) {rng.randint(100000, 999999)}",
        "note": words(rng, 0, 10),
    }


def review(rng: random.Random) -> dict[str, str]:
    return {"product": str(rng.randint(1, 9999)), "stars": str(rng.randint(1, 5)), "comment": words(rng, 4, 22)}


def listing(rng: random.Random) -> dict[str, str]:
    return {"page": str(rng.randint(1, 20)), "sort": _pick(rng, ["price", "-price", "name", "newest"])}


def orders(rng: random.Random) -> dict[str, str]:
    number = rng.randint(1, 9999)
    return {"filter": f"price>{number} and qty<{number % 9}", "lang": _pick(rng, ["fr", "de", "lb", "en-GB"])}


def products(rng: random.Random) -> dict[str, str]:
    number = rng.randint(1, 9999)
    return {"ids": f"{number},{number + 3}", "fields": "id,name,price"}


def line(rng: random.Random) -> dict[str, str | int]:
    return {
        "sku": f"{_pick(rng, CATEGORIES)[:3]}-{rng.randint(1, 9999)}",
        "qty": rng.randint(1, 9),
        "note": words(rng, 0, 6),
    }


def _people(rng: random.Random) -> str:
    if rng.random() < 0.5:
        return f"POST /login|{form(rng, login(rng))}"
    return f"POST /checkout|{form(rng, address(rng))}"


def _review(rng: random.Random) -> str:
    return f"POST /reviews|{form(rng, review(rng))}"


def post(rng: random.Random) -> dict[str, str]:
    """A post in the forum: code in ``body``, nothing but words elsewhere."""
    body = f"{words(rng, 1, 4)}\n{code(rng)}" if rng.random() < 0.85 else words(rng, 4, 14)
    return _mixed(rng, {"topic": words(rng, 1, 4), "tag": _pick(rng, CATEGORIES), "body": body[:150]})


def ticket(rng: random.Random) -> dict[str, str]:
    """A request for help: people paste their settings and what a shell printed into ``config``."""
    mail = f"{_pick(rng, NAMES).lower()}@mail.example"
    return _mixed(
        rng,
        {"subject": words(rng, 1, 5), "contact": mail, "order": str(rng.randint(1, 99999)), "config": code(rng)[:150]},
    )


def report(rng: random.Random) -> dict[str, str]:
    """A report of the staff: SQL in ``query``."""
    return _mixed(rng, {"title": words(rng, 1, 3), "format": _pick(rng, ["csv", "xlsx"]), "query": sql(rng)[:150]})


def page(rng: random.Random) -> dict[str, str]:
    """A page of the editors: markup in ``html``."""
    return _mixed(rng, {"title": words(rng, 1, 4), "slug": _pick(rng, CATEGORIES), "html": markup(rng)[:150]})


def _mixed(rng: random.Random, fields: dict[str, str]) -> dict[str, str]:
    """The same fields in any order, as different clients send them."""
    names = list(fields)
    rng.shuffle(names)
    return {name: fields[name] for name in names}


CODE_FIELDS = ("body", "config", "query", "html")
"""Fields that take code by design."""
MIXED: list[tuple[str, Callable[[random.Random], dict[str, str]], tuple[str, ...]]] = [
    ("POST /forum/post", post, ("topic", "tag")),
    ("POST /help/ticket", ticket, ("subject", "contact", "order")),
    ("POST /reports", report, ("title", "format")),
    ("POST /pages", page, ("title", "slug")),
]
"""Forms with a field for code and others without: target, maker, the fields in which code has no place."""


def _mixed_form(rng: random.Random) -> str:
    target, make, _ = rng.choices(MIXED, weights=(8, 8, 5, 4))[0]
    return f"{target}|{form(rng, make(rng))}"


def _graphql(rng: random.Random) -> str:
    number = rng.randint(1, 9999)
    query = _pick(
        rng,
        [
            f"query {{ product(id: {number}) {{ id name price(currency: EUR) }} }}",
            f'mutation {{ addToCart(input: {{sku: "A-{number}", qty: 2}}) {{ cart {{ total }} }} }}',
            "query Q($q: String!, $n: Int = 10) { search(text: $q, first: $n) { ... on Product { id } } }",
        ],
    )
    return f"POST /graphql|{json.dumps({'query': query, 'variables': {'q': words(rng, 1, 3), 'n': number}})}"


def _facets(rng: random.Random) -> str:
    facet = f'price:[{rng.randint(1, 50)} TO *] AND brand:({_pick(rng, NAMES)} OR "{_pick(rng, PRODUCTS)}")'
    return f"GET /search?{form(rng, {'q': _pick(rng, PRODUCTS), 'f': facet})}"


def _pictures(rng: random.Random) -> str:
    return f"GET /img/w_{rng.randint(100, 900)},c_fill,e_sharpen:{rng.randint(1, 99)}/$v_!{_pick(rng, CATEGORIES)}!/{rng.randint(1, 9999)}.avif"


_RELEASE_1: list[tuple[Make, float]] = [
    (_page, 30),
    (_search, 18),
    (_interface, 14),
    (_people, 12),
    (_review, 8),
    (_mixed_form, 25),
]
_RELEASE_2 = [*_RELEASE_1, (_graphql, 12), (_facets, 10), (_pictures, 8)]


def requests(count: int, seed: int, release: int = 1) -> list[str]:
    """So many benign requests; the same seed gives the same."""
    rng = dice(seed)
    kinds = _RELEASE_1 if release == 1 else _RELEASE_2
    makers, shares = zip(*kinds, strict=True)
    return [make(rng) for make in rng.choices(makers, weights=shares, k=count)]
