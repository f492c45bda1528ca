// RUN: dlp-opt --list-passes | filecheck %s --check-prefix=LIST
// RUN: dlp-opt --explain=cse | filecheck %s --check-prefix=EXPLAIN
// RUN: dlp-opt --help | filecheck %s --check-prefix=HELP
// RUN: dlp-opt --version | filecheck %s --check-prefix=VERSION

// LIST:      graph passes (transforms/):
// LIST:        cse{{ +}}Compute equal things once.
// LIST:        dce{{ +}}Remove operations
// LIST:      passes of xDSL:
// LIST-NOT:  {{[ ,]}}cse,

// EXPLAIN:   cse
// EXPLAIN:   becomes
// EXPLAIN:   no options

// HELP:      examples:
// HELP:      dlp-opt net.mlir -p canonicalize,cse
// HELP:      --dump-dir DIR

// VERSION:   dlp {{[0-9.]+}}, xDSL {{[0-9.]+}}
