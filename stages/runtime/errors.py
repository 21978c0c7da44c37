"""Every error a person may meet: what is wrong, then what to do.

WorkflowError                 1   anything a person has to act on
├── ConfigError               2   a pipeline or a command says something that cannot be
│   └── UnknownPart           2   a name that is not on the board
├── DataError                 3   the data broke a rule
│   └── BadSample             3   one file cannot be used
├── GateNotMet                4   the report does not reach the pipeline's minimum
├── AgreementNotMet           5   no number format agrees with the trained model
├── BudgetTooSmall            6   nothing can be trained within the budget
└── InfrastructureError       7   a disk, server or engine is missing or failed; a retry may help
    ├── Damaged               7   bytes are not those that were written
    ├── BackendMissing        7   an engine is not installed here
    └── UntestedProcessor     7   a package was not verified for this processor

The number is the exit code of every command that ends with the error.
"""


class WorkflowError(ValueError):
    """`problem` says what is wrong, with the values; `remedy` what to do next."""

    exit_code = 1
    retry_helps = False

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem}\n{remedy}".strip())
        self.problem = problem
        self.remedy = remedy

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.problem, self.remedy)


class ConfigError(WorkflowError):
    exit_code = 2


class UnknownPart(ConfigError):
    pass


class DataError(WorkflowError):
    exit_code = 3


class BadSample(DataError):
    pass


class GateNotMet(WorkflowError):
    exit_code = 4


class AgreementNotMet(WorkflowError):
    exit_code = 5


class BudgetTooSmall(WorkflowError):
    exit_code = 6


class InfrastructureError(WorkflowError):
    exit_code = 7
    retry_helps = True


class Damaged(InfrastructureError):
    retry_helps = False


class BackendMissing(InfrastructureError):
    retry_helps = False


class UntestedProcessor(InfrastructureError):
    retry_helps = False
