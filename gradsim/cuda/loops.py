"""Loops over the units of a vector, shared among a team of threads: the source of a kernel, rewritten.

A kernel for the CPU walks along vectors by itself. On a GPU a team of threads walks along them, thread t of T from unit t in
steps of T, and so every loop over units becomes such a walk, and its sums and maxima become those of the team:

    for i in range(n):              i = first_unit(0)
        total += v[i]       ->      while i < n:
                                        total += v[i]
                                        i = i + TEAM
                                    total = team_sum(total)

Numba's ranges may go either way, which takes registers on a device; these loops do not. Nothing else is changed, so there
is one source for both. What is not understood raises: no loop is shared by guessing.
A loop is over units if its variable is called `i`, or if it walks along a tile of them.
"""

import ast

TILE = "SUM_TILE"
OF_TILE = "np.uint64(start) + np.uint64(k)"  # the unit number k of a tile
HELD = ("widest_vectors", "rarely_called")  # said to the CPU's compiler alone


class NotShared(Exception):
    """A loop over units that is written otherwise than all others."""


def _call(name, *arguments):
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _load(name):
    return ast.Name(name, ast.Load())


def _store(name):
    return ast.Name(name, ast.Store())


def is_over_units(loop):
    """Whether a `for` walks along the units of a vector."""
    named = isinstance(loop.target, ast.Name) and loop.target.id == "i"
    return named or (
        TILE in {node.id for node in ast.walk(loop.iter) if isinstance(node, ast.Name)} and not _is_over_tiles(loop)
    )


def _is_over_tiles(loop):
    return len(loop.iter.args) == 3


def _grown(statement):
    """(name, how) of an accumulator that a statement grows, "sum", "most" or "any"; None if it grows none."""
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        how = {ast.Add: "sum", ast.BitOr: "any"}.get(type(statement.op))
        if how is None:
            raise NotShared(ast.unparse(statement))
        return statement.target.id, how
    if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
        return None
    name, value = statement.targets[0].id, statement.value
    if isinstance(value, ast.Call) and len(value.args) == 1 and isinstance(value.args[0], ast.BinOp):
        value = value.args[0]  # np.int32(total + part)
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) and _is(value.left, name):
        return name, "sum"
    if isinstance(value, ast.Call) and _is(value.func, "max") and _is(value.args[0], name):
        return name, "most"
    return None


def _is(node, name):
    return isinstance(node, ast.Name) and node.id == name


def _accumulators(body):
    """{name: how} of what a loop's body grows: what it does not begin anew for each unit."""
    statements = [node for part in body for node in ast.walk(part) if isinstance(node, ast.Assign | ast.AugAssign)]
    begun = {name for statement in statements for name in _begun(statement)}
    grown = {}
    for statement in statements:
        names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        if names and not names <= begun:
            name, how = _grown(statement)
            if grown.setdefault(name, how) != how:
                raise NotShared(ast.unparse(statement))
    return grown


def _begun(statement):
    """Names that a statement gives a value which does not hang on the one before."""
    if isinstance(statement, ast.AugAssign) or _grown(statement) is not None:
        return set()
    names = (node for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Store)}


def _is_stored(node):
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _outside(node):
    """Names within a node that are outside of its loops over units."""
    if isinstance(node, ast.For) and is_over_units(node):
        return []
    names = [node] if isinstance(node, ast.Name) else []
    return names + [name for child in ast.iter_child_nodes(node) for name in _outside(child)]


def _check_units(body, unit):
    """Raises NotShared where a unit looks at others, or puts something where all units do."""
    for node in (node for part in body for node in ast.walk(part) if isinstance(node, ast.Subscript)):
        names = {found.id for found in ast.walk(node.slice) if isinstance(found, ast.Name)}
        last = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice
        own = ast.unparse(last) in (unit, "i", OF_TILE)
        if not own and (isinstance(node.ctx, ast.Store) or names & {unit, "i"}):
            raise NotShared(ast.unparse(node))


class Shared(ast.NodeTransformer):
    """`picked` are expressions that read one unit of a vector, outside of loops: every thread gets it."""

    def __init__(self, picked=()):
        self.picked, self.left = set(picked), set(picked)
        self._inside, self._count, self.changed, self._begun = False, 0, False, set()

    def _name(self, kind):
        self._count += 1
        return f"_{kind}_{self._count}"

    def visit_FunctionDef(self, node):
        outside = _outside(node)
        found = self.generic_visit(node)
        read = {name.id for name in outside if isinstance(name.ctx, ast.Load)}
        left = self._begun & read - {name.id for name in outside if _is_stored(name)} - {
            argument.arg for argument in node.args.args
        }
        if left:
            raise NotShared(f"{sorted(left)} of {node.name} are what the last unit left behind")
        return found

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name) and node.value.func.id in HELD:
            self.changed = True
            return ast.Pass()
        return self.generic_visit(node)

    def visit_For(self, node):
        if not is_over_units(node):
            return self.generic_visit(node)
        if self._inside or node.orelse:
            raise NotShared(ast.unparse(node))
        self._inside = self.changed = True
        before, after = [], []
        body = [self._without_return(statement, before, after) for statement in node.body]
        grown = _accumulators(body)
        _check_units(body, node.target.id)
        self._begun |= {found.id for part in body for found in ast.walk(part) if _is_stored(found)} - grown.keys()
        for name, how in grown.items():
            # What was there before is added once, not by every thread
            if how == "sum":
                saved = self._name("saved")
                before += [
                    ast.Assign([_store(saved)], _load(name)),
                    ast.Assign([_store(name)], _call("zero_like", _load(name))),
                ]
                after.append(ast.Assign([_store(name)], ast.BinOp(_load(saved), ast.Add(), _call("team_sum", _load(name)))))
            else:
                after.append(ast.Assign([_store(name)], _call("team_most", _load(name))))
        first, last = [ast.Constant(0), *node.iter.args] if len(node.iter.args) == 1 else node.iter.args
        body = [self.visit(statement) for statement in body]
        unit, end = node.target.id, self._name("end")
        before += [ast.Assign([_store(end)], last), ast.Assign([_store(unit)], _call("first_unit", first))]
        body = [part for found in body for part in _listed(found)]
        body.append(ast.Assign([_store(unit)], ast.BinOp(_load(unit), ast.Add(), _load("TEAM"))))
        loop = ast.While(ast.Compare(_load(unit), [ast.Lt()], [_load(end)]), body, [])
        self._inside = False
        # returns come first: what else the loop found is of no use then
        after.sort(key=lambda statement: not isinstance(statement, ast.If))
        return [*before, loop, *after]

    def _without_return(self, statement, before, after):
        """A unit that ends the function does so when all threads have looked at theirs."""
        returns = [node for node in ast.walk(statement) if isinstance(node, ast.Return | ast.Break | ast.Continue)]
        if not returns:
            return statement
        if not (isinstance(statement, ast.If) and not statement.orelse and returns == [statement.body[-1]]):
            raise NotShared(ast.unparse(statement))
        found = self._name("found")
        before.append(ast.Assign([_store(found)], _call("int32", ast.Constant(0))))
        ending, self._inside = statement.body, False
        ending = [part for old in ending for part in _listed(self.visit(old))]
        self._inside = True
        after.append(ast.If(ast.Compare(_call("team_most", _load(found)), [ast.NotEq()], [ast.Constant(0)]), ending, []))
        return ast.If(statement.test, [ast.Assign([_store(found)], _call("int32", ast.Constant(1)))], [])

    def visit_Assign(self, node):
        target = node.targets[0]
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice):
            if self._inside or target.slice.lower is not None:
                raise NotShared(ast.unparse(node))
            self.changed = True
            upper = [] if target.slice.upper is None else [target.slice.upper]
            vector = ast.parse(ast.unparse(target.value), mode="eval").body
            return ast.Expr(_call("fill_units" if upper else "fill_rows", vector, *upper, node.value))
        return self.generic_visit(node)

    def visit_Subscript(self, node):
        text = ast.unparse(node)
        if text in self.picked and isinstance(node.ctx, ast.Load) and not self._inside:
            self.left.discard(text)
            self.changed = True
            return _call("picked_unit", node.value, node.slice)
        return self.generic_visit(node)


def _listed(found):
    return found if isinstance(found, list) else [found]


def shared(source, picked=()):
    """The syntax tree of a function with its loops over units shared, and whether anything changed.

    Raises NotShared for a loop that is not understood, and where something of `picked` is not there.
    """
    tree = ast.parse(source)
    function = tree.body[0]
    function.decorator_list = []
    change = Shared(picked)
    tree.body[0] = change.visit(function)
    if change.left:
        raise NotShared(f"{function.name} does not read {sorted(change.left)}")
    return ast.fix_missing_locations(tree), change.changed
