"""The shape of the package: no import cycle, modules and functions of a size that can be read."""

import ast
import statistics
from pathlib import Path

import grimp
import numpy as np
from scipy import sparse

import solidstack

PACKAGE = Path(solidstack.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES, MEDIAN_LINES, MOST_OF_A_FUNCTION = 600, 200, 60


def cycles(graph: grimp.ImportGraph) -> list[list[str]]:
    """Groups of modules that import each other, in whatever number of steps."""
    modules = sorted(graph.modules)
    place = {name: number for number, name in enumerate(modules)}
    arrows = [
        (place[name], place[other]) for name in modules for other in graph.find_modules_directly_imported_by(name)
    ]
    rows, columns = np.array(arrows).T
    matrix = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(modules), len(modules)))
    _, group = sparse.csgraph.connected_components(matrix, directed=True, connection="strong")
    members = [[name for name in modules if group[place[name]] == number] for number in np.unique(group)]
    return [names for names in members if len(names) > 1]


def test_no_module_imports_itself_through_others() -> None:
    graph = grimp.build_graph("solidstack", exclude_type_checking_imports=False, cache_dir=None)
    assert len(graph.modules) > 200
    assert cycles(graph) == []
    graph.add_import(importer="solidstack.errors", imported="solidstack.sheet")
    assert any("solidstack.errors" in names and "solidstack.design.model" in names for names in cycles(graph))


def test_modules_can_be_read() -> None:
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    assert {str(path): count for path, count in lines.items() if count > MOST_LINES} == {}
    assert statistics.median(lines.values()) <= MEDIAN_LINES


def test_functions_can_be_read() -> None:
    long = {}
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                first = body[0].lineno if body else node.end_lineno or 0
                code = [line for line in lines[first - 1 : node.end_lineno] if line.strip() and line.strip()[0] != "#"]
                if len(code) > MOST_OF_A_FUNCTION:
                    long[f"{path.relative_to(PACKAGE)}: {node.name}"] = len(code)
    assert long == {}
