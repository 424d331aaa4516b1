"""Every way in which the kit can refuse, as one tree.

    TriageError                 something the user can act on; the command line prints it and exits 1
    ├── CaseError               case.yaml or the command line is wrong (exit 2)
    ├── BundleError             an evidence bundle cannot be opened, sealed or trusted
    │   ├── NotSealed           the bundle was never finished
    │   └── Tampered            a file differs from what the manifest says
    ├── SchemaError             a frame does not have the columns that its table promises
    ├── SourceError             one source could not be read; becomes a gap unless nothing else is left
    │   ├── LoginRefused        the server answered and said no
    │   ├── Unreachable         no server answered
    │   └── PrefixMismatch      a log whose lines the prefix does not fit
    ├── KnowledgeError          a file of knowledge/ contradicts itself
    ├── LabError                the throwaway server could not be found, started or filled
    ├── ReportError             a notebook failed or the page could not be made
    └── OutputError             what a command says cannot be written where it was sent

Messages are lower case, one paragraph: what was found, where, and what to do.
"""


class TriageError(Exception):
    """Base of every refusal that carries advice for its reader."""

    exit_status = 1


class CaseError(TriageError):
    """case.yaml or an argument is wrong: the message names the key, the value and the remedy."""

    exit_status = 2


class BundleError(TriageError):
    """An evidence bundle cannot be opened, written or sealed."""


class NotSealed(BundleError):
    """The bundle has no sealed manifest: collection was interrupted or never ran."""


class Tampered(BundleError):
    """A file of the bundle is changed, missing or was added after sealing."""


class SchemaError(TriageError):
    """A frame lacks a column of its table or holds values of another type."""


class SourceError(TriageError):
    """One source could not be read; the collector records it as a gap."""


class LoginRefused(SourceError):
    """The server answered and refused the role, the database or the password."""


class Unreachable(SourceError):
    """No server answered at the address that the case names."""


class PrefixMismatch(SourceError):
    """No line of a log fits the prefix that it was read with."""


class KnowledgeError(TriageError):
    """A file of knowledge/ names an unknown hypothesis or its numbers do not add up."""


class LabError(TriageError):
    """A throwaway server could not be found, started or filled."""


class ReportError(TriageError):
    """A notebook failed or the page could not be written."""


class OutputError(TriageError):
    """Standard output leads to a full disk or a device that refuses it."""
