"""Programs as people write them in notebooks: cells, modules beside them, and one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Program:
    """Cells to be run in order, and then the call that is asked for."""

    name: str
    cells: tuple[str, ...]
    call: str
    #: ``function, argument, name=argument``: as after ``client.submit(``.
    modules: Mapping[str, str] = field(default_factory=dict)
    #: Files beside the notebook.
    installed: Mapping[str, str] = field(default_factory=dict)
    #: Files in a folder of packages.
    declared: Mapping[str, str] = field(default_factory=dict)


def _program(name: str, call: str, *cells: str, **more: Mapping[str, str]) -> Program:
    return Program(name=name, cells=cells, call=call, **more)  # type: ignore[arg-type]


def package(version: str, factor: int = 2) -> dict[str, str]:
    """Return the files of an installed package `dep`, which needs another one."""
    return {
        "dep.py": f"FACTOR = {factor}\ndef scale(x):\n    return x * FACTOR\n",
        f"dep-{version}.dist-info/METADATA": (
            f"Metadata-Version: 2.1\nName: dep\nVersion: {version}\nRequires-Dist: deeper\n"
        ),
        f"dep-{version}.dist-info/RECORD": "dep.py,,\n",
        "deeper.py": "DEPTH = 1\n",
        "deeper-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: deeper\nVersion: 1.0\n",
        "deeper-1.0.dist-info/RECORD": "deeper.py,,\n",
    }


PROGRAMS = (
    _program(
        "plain",
        "area, 3, 4",
        "def area(width, height):\n    inner = width * height\n    return inner + 1 - 0.5\n",
    ),
    _program(
        "helper",
        "total, [1, 2, 3]",
        "def square(x):\n    return x * x\n",
        "def total(xs):\n    result = 0\n    for x in xs:\n        result += square(x)\n"
        "    return result\n",
    ),
    _program(
        "helpers of helpers",
        "top, 5",
        "def bottom(x):\n    return x - 7\n",
        "def middle(x):\n    return bottom(x) * 3\n",
        "def top(x):\n    if x > 2:\n        return middle(x) + 1\n    return 0\n",
    ),
    _program(
        "recursion in a circle",
        "is_even, 9",
        "def is_even(n):\n    return True if n == 0 else is_odd(n - 1)\n",
        "def is_odd(n):\n    return False if n == 0 else is_even(n - 1)\n",
    ),
    _program(
        "globals",
        "model, 2.0",
        "alpha = 0.25\nnames = ['a', 'b']\nweights = {'a': 1, 'b': 2}\nallowed = {'b', 'a', 'c'}\n",
        "def model(x):\n    out = alpha * x\n    for name in names:\n"
        "        out += weights[name] if name in allowed else 100\n    return out\n",
    ),
    _program(
        "closure",
        "add, 10",
        "def adder(n, m=2):\n    k = n * 3\n    def add(x):\n        return x + k - m\n"
        "    return add\n",
        "add = adder(4)\n",
    ),
    _program(
        "nonlocal",
        "counted, 4",
        "def counted(n):\n    count = 0\n    def up():\n        nonlocal count\n"
        "        count += 2\n        return count\n    return [up() for _ in range(n)]\n",
    ),
    _program(
        "defaults",
        "fit, 8",
        "def fit(x, alpha=0.5, *, beta=3, gamma=(1, 2)):\n"
        "    return x * alpha + beta - sum(gamma)\n",
    ),
    _program(
        "stars",
        "gather, 1, 2, 3, first=4, second=5",
        "def gather(*values, **named):\n"
        "    return sum(values) * 2, sorted(named.items()), list(named)\n",
    ),
    _program(
        "class",
        "measure, 7",
        "class Gauge:\n    unit = 'mm'\n    def __init__(self, size):\n"
        "        self.size = size + 1\n    @property\n    def double(self):\n"
        "        return self.size * 2\n    @staticmethod\n    def zero():\n        return 10\n"
        "    @classmethod\n    def of(cls, size):\n        return cls(size - 3)\n",
        "def measure(n):\n    g = Gauge.of(n)\n    return g.double - Gauge.zero(), g.unit\n",
    ),
    _program(
        "inheritance",
        "speak, 2",
        "class Animal:\n    legs = 4\n    def noise(self):\n        return 'hm'\n"
        "    def speak(self, times):\n        return self.noise() * times\n",
        "class Dog(Animal):\n    def noise(self):\n        return 'wuff' + str(self.legs)\n",
        "def speak(n):\n    return Dog().speak(n)\n",
    ),
    _program(
        "super",
        "build, 1",
        "class A:\n    def __init__(self, x):\n        self.x = x + 1\n",
        "class B(A):\n    def __init__(self, x):\n        super().__init__(x * 5)\n"
        "        self.y = 2\n",
        "def build(x):\n    b = B(x)\n    return b.x, b.y\n",
    ),
    _program(
        "instance",
        "stretch, Point(3, 4)",
        "class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.y = y\n"
        "    def norm2(self):\n        return self.x ** 2 + self.y ** 2\n",
        "def stretch(p):\n    return p.norm2() * 2\n",
    ),
    _program(
        "bound method",
        "Counter(5).step, 2",
        "class Counter:\n    def __init__(self, start):\n        self.start = start\n"
        "    def step(self, by):\n        return self.start + by\n",
    ),
    _program(
        "callable instance",
        "Scale(3), 4",
        "class Scale:\n    def __init__(self, by):\n        self.by = by\n"
        "    def __call__(self, x):\n        return x * self.by\n",
    ),
    _program(
        "dataclass",
        "cost, Order(2)",
        "from dataclasses import dataclass, field\n",
        "@dataclass\nclass Order:\n    count: int\n    price: float = 1.5\n"
        "    tags: list = field(default_factory=lambda: ['new'])\n"
        "    def total(self):\n        return self.count * self.price\n",
        "def cost(order):\n    return order.total() + len(order.tags), repr(order)\n",
    ),
    _program(
        "enum",
        "paint, 1",
        "import enum\nclass Colour(enum.Enum):\n    RED = 1\n    BLUE = 2\n",
        "def paint(n):\n    return Colour(n).name, Colour.BLUE.value\n",
    ),
    _program(
        "namedtuple",
        "far, 2",
        "from collections import namedtuple\nPair = namedtuple('Pair', 'left right')\n",
        "def far(n):\n    p = Pair(n, right=n + 3)\n    return p.right - p.left, p._fields\n",
    ),
    _program(
        "decorator",
        "work, 3",
        "import functools\ndef twice(function):\n    @functools.wraps(function)\n"
        "    def inner(*args):\n        return function(*args) * 2\n    return inner\n",
        "@twice\ndef work(x):\n    return x + 1\n",
    ),
    _program(
        "decorator with arguments",
        "work, 3",
        "import functools\ndef times(n):\n    def around(function):\n"
        "        @functools.wraps(function)\n        def inner(x):\n"
        "            return [function(x)] * n\n        return inner\n    return around\n",
        "@times(3)\ndef work(x):\n    return x + 1\n",
    ),
    _program(
        "partial",
        "half, 10",
        "from functools import partial\ndef divide(a, b, *, plus=1):\n    return a / b + plus\n",
        "half = partial(divide, b=2, plus=5)\n",
    ),
    _program(
        "cached",
        "fib, 12",
        "from functools import lru_cache\n@lru_cache(maxsize=100)\ndef fib(n):\n"
        "    return n if n < 2 else fib(n - 1) + fib(n - 2)\n",
    ),
    _program(
        "table of functions",
        "apply, 'b', 4",
        "def up(x):\n    return x + 1\nways = {'a': up, 'b': lambda x: x * 10, 'c': abs}\n",
        "def apply(way, x):\n    return ways[way](x), [ways[k](-x) for k in ways]\n",
    ),
    _program(
        "lambda",
        "order, [3, 1, 2]",
        "key = lambda x: -x\norder = lambda xs: sorted(xs, key=key)[1:]\n",
    ),
    _program(
        "comprehensions",
        "shapes, 4",
        "limit = 2\ndef shapes(n):\n    a = [i * 2 for i in range(n) if i != limit]\n"
        "    b = {i: i + 1 for i in a}\n    c = {i % 3 for i in a}\n"
        "    return a, b, sorted(c), sum(i for i in a)\n",
    ),
    _program(
        "generator",
        "collect, 5",
        "def evens(n):\n    for i in range(n):\n        if i % 2 == 0:\n            yield i + 1\n",
        "def collect(n):\n    return list(evens(n))\n",
    ),
    _program(
        "async",
        "gathered, 3",
        "import asyncio\nasync def later(x):\n    await asyncio.sleep(0)\n    return x * 2\n",
        "def gathered(n):\n    loop = asyncio.new_event_loop()\n    async def go():\n"
        "        return [await later(i) for i in range(n)]\n"
        "    try:\n        return loop.run_until_complete(go())\n"
        "    finally:\n        loop.close()\n",
    ),
    _program(
        "context manager",
        "within, 3",
        "from contextlib import contextmanager\nlog = []\n@contextmanager\ndef noting(word):\n"
        "    log.append(word)\n    yield len(word)\n    log.append('end')\n",
        "def within(n):\n    log.clear()\n    with noting('begin' * n) as size:\n"
        "        return size, list(log)\n",
    ),
    _program(
        "exceptions",
        "safe, 0",
        "def safe(x):\n    try:\n        return 10 / x\n    except ZeroDivisionError:\n"
        "        y = -1\n    except ValueError as error:\n        y = str(error)\n"
        "    finally:\n        z = 5\n    return y, z\n",
    ),
    _program(
        "match",
        "kind, {'a': 1}",
        "def kind(value):\n    match value:\n        case {'a': int(n)} if n > 0:\n"
        "            return 'number', n\n        case [first, *_]:\n            return first\n"
        "        case _:\n            return None\n",
    ),
    _program(
        "texts",
        "greet, 'Ada', 3.14159",
        "greeting = 'Hello'\ndef greet(name, x):\n    if (n := len(name)) > 2:\n"
        "        return f'{greeting}, {name!r:>8} {x:.2f} {n}'\n    return 'no' + name[::-1]\n",
    ),
    _program(
        "docstrings",
        "outer, 2",
        'def inner(x):\n    """What it does."""\n    return x + 4\n',
        'def outer(x):\n    "Calls inner."\n    return inner(x) * 2\n',
    ),
    _program(
        "reads a docstring",
        "about, 2",
        'def thing(x):\n    """What it is."""\n    return x\n',
        "def about(n):\n    return thing.__doc__ * n\n",
    ),
    _program(
        "text like a docstring",
        "say, 1",
        "def say(n):\n    'loud'\n    return 'loud' * n\n",
    ),
    _program(
        "arrays",
        "spread, np.arange(6.0)",
        "import numpy as np\nweights = np.linspace(0, 1, 6)\n",
        "def spread(x):\n    return float(np.dot(x, weights) + np.std(x) * 2)\n",
    ),
    _program(
        "frames",
        "summary, frame",
        "import pandas as pd\nframe = pd.DataFrame({'a': [1, 2, 3], 'b': ['x', 'y', None]})\n",
        "rates = pd.Series([1.0, 2.5], index=['x', 'y'])\n",
        "def summary(f):\n    return float(f['a'].sum() * 2 + rates['y']), list(f.columns)\n",
    ),
    _program(
        "module beside",
        "run, 5",
        "import config\n",
        "def run(x):\n    return x * config.ALPHA + len(config.NAMES)\n",
        modules={"config.py": "ALPHA = 3\nNAMES = ['a', 'b']\nUNUSED = 5\n"},
    ),
    _program(
        "module changed by hand",
        "run, 5",
        "import config\nconfig.ALPHA = 9\n",
        "def run(x):\n    return x * config.ALPHA\n",
        modules={"config.py": "ALPHA = 3\n"},
    ),
    _program(
        "function of a module beside",
        "run, 5",
        "from lib import clean as tidy\nimport lib\n",
        "def run(x):\n    return tidy(x) + lib.more(x)\n",
        modules={
            "lib.py": "from deep import OFFSET\nscale = 2\ndef clean(x):\n"
            "    return _inner(x) * scale\ndef _inner(x):\n    return x - OFFSET\n"
            "def more(x):\n    return x % 3\n",
            "deep.py": "OFFSET = 1\n",
        },
    ),
    _program(
        "package beside",
        "lab.tools.run, 5",
        "import lab.tools\n",
        modules={
            "lab/__init__.py": "FACTOR = 4\n",
            "lab/tools.py": "from . import FACTOR\nfrom .parts import part\n"
            "def run(x):\n    return part(x) * FACTOR\n",
            "lab/parts.py": "def part(x):\n    return x + 2\n",
        },
    ),
    _program(
        "module as a value",
        "run, config, 'ALPHA'",
        "import config\ndef run(where, name):\n    return getattr(where, name) * 2\n",
        modules={"config.py": "ALPHA = 3\n"},
    ),
    _program(
        "patched class",
        "run, 3",
        "class Tool:\n    def use(self, x):\n        return x + 1\n",
        "Tool.use = lambda self, x: x * 7\nTool.extra = 5\n",
        "def run(x):\n    return Tool().use(x) + Tool.extra\n",
    ),
    _program(
        "abstract base",
        "run, 3",
        "import abc\nclass Shape(abc.ABC):\n    @abc.abstractmethod\n    def area(self):\n"
        "        ...\nclass Square(Shape):\n    def area(self):\n        return 9\n",
        "class Blob:\n    pass\nShape.register(Blob)\n",
        "def run(x):\n    return isinstance(Blob(), Shape), Square().area() + x\n",
    ),
    _program(
        "descriptors",
        "run, 3",
        "class Doubled:\n    def __set_name__(self, owner, name):\n        self.name = '_' + name\n"
        "    def __get__(self, obj, cls):\n        return getattr(obj, self.name) * 2\n"
        "class Box:\n    __slots__ = ('_side',)\n    side = Doubled()\n",
        "def run(x):\n    b = Box()\n    b._side = x + 1\n    return b.side\n",
    ),
    _program(
        "slots and operators",
        "run, 3",
        "class V:\n    __slots__ = ('x',)\n    def __init__(self, x):\n        self.x = x\n"
        "    def __add__(self, other):\n        return V(self.x + other.x)\n"
        "    def __eq__(self, other):\n        return self.x == other.x\n"
        "    __hash__ = None\n",
        "origin = V(2)\ndef run(x):\n    return (V(x) + origin).x, V(x) == origin\n",
    ),
    _program(
        "nested data",
        "run, 'b'",
        "tree = {'a': [1, (2, {3, 4})], 'b': {'c': frozenset([5, 6]), 'd': None}}\n"
        "tree['self'] = tree\n",
        "def run(k):\n    return sorted(tree[k]['c']), tree['a'][1][0], tree['self'] is tree\n",
    ),
    _program(
        "one list twice",
        "run, 1",
        "first = [1]\nsecond = first\n",
        "def run(x):\n    first.append(x + 1)\n    return list(second)\n",
    ),
    _program(
        "class in a function",
        "run, 3",
        "def run(x):\n    class Local:\n        '''It is local.'''\n        size = 2\n"
        "        def grow(self):\n            return self.size + x\n    return Local().grow()\n",
    ),
    _program(
        "installed",
        "run, 4",
        "import dep\n",
        "def run(x):\n    return dep.scale(x) + 1\n",
        installed=package("1.0"),
    ),
    _program(
        "installed and imported within",
        "run, 4",
        "def run(x):\n    import dep\n    return dep.scale(x) + 1\n",
        installed=package("1.0"),
    ),
    _program(
        "declared",
        "run, 4",
        "def run(x):\n    return x + 1\n",
        declared={"dep": "==1.0"},
    ),
)
