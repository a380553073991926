"""What jmespath.py makes of the expressions in `crates/cvm-cli/tests/queries.json`, which the command has to agree with.

    python queries.py           tells where the package that is installed differs from the file
    python queries.py --write   writes anew what the package makes of each expression
"""

import json
import os
import sys
import warnings

import jmespath
from jmespath import exceptions

FILE = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "crates", "cvm-cli", "tests", "queries.json"
)


def load():
    with open(FILE, encoding="utf-8") as file:
        return json.load(file)


def judge(expression, given):
    """The case that an expression is: with its result, or with the kind of mistake that it is."""
    try:
        with warnings.catch_warnings():
            # Texts in back-ticks without quotes are deprecated, and in use.
            warnings.simplefilter("ignore")
            compiled = jmespath.compile(expression)
    except exceptions.JMESPathError:
        return {"expression": expression, "error": "syntax"}
    try:
        result = compiled.search(given)
    except exceptions.UnknownFunctionError:
        return {"expression": expression, "error": "function"}
    except exceptions.ArityError:
        return {"expression": expression, "error": "arity"}
    except (exceptions.JMESPathTypeError, TypeError):
        return {"expression": expression, "error": "type"}
    except ValueError as error:
        if "slice step" not in str(error):
            raise
        return {"expression": expression, "error": "step"}
    # What cannot be written as JSON is no case.
    json.dumps(result, allow_nan=False)
    return {"expression": expression, "result": result}


def dumps(value):
    """JSON that keeps apart what Python takes for equal: 1, 1.0 and True, and the orders of members."""
    return json.dumps(value, ensure_ascii=False)


def run(report):
    """A step for each document."""
    whole = load()
    version = jmespath.__version__
    with report.step("jmespath.py", "version %s" % whole["jmespath.py"]):
        if version != whole["jmespath.py"]:
            raise AssertionError("version %s is installed" % version)
    for group in whole["groups"]:
        with report.step("jmespath.py", "%d expressions of %s" % (len(group["cases"]), group["about"])):
            for case in group["cases"]:
                got = judge(case["expression"], group["given"])
                if dumps(got) != dumps(case):
                    raise AssertionError("got %s, where %s was due" % (dumps(got), dumps(case)))


def write():
    """Writes the file with a line for each case."""
    groups = []
    for group in load()["groups"]:
        cases = [judge(case["expression"], group["given"]) for case in group["cases"]]
        groups.append(
            '    {\n      "about": %s,\n      "given": %s,\n      "cases": [\n%s\n      ]\n    }'
            % (
                dumps(group["about"]),
                dumps(group["given"]),
                ",\n".join("        " + dumps(case) for case in cases),
            )
        )
    head = '{\n  "jmespath.py": %s,\n  "made by": %s,\n  "groups": [\n' % (
        dumps(jmespath.__version__),
        dumps("tests/clients/python/queries.py --write"),
    )
    with open(FILE, "w", encoding="utf-8", newline="\n") as file:
        file.write(head + ",\n".join(groups) + "\n  ]\n}\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        from endpoint import Report

        told = Report()
        run(told)
        sys.exit(1 if told.failed else 0)
