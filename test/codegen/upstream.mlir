// REQUIRES: mlir-opt-22
// RUN: cat %S/loops.mlir | dlp-opt --mlir-print-op-generic | mlir-opt-22 --allow-unregistered-dialect | filecheck %s
// RUN: cat %S/views.mlir | dlp-opt --mlir-print-op-generic | mlir-opt-22 | filecheck %s
// RUN: cat %S/aliasing.mlir | dlp-opt --mlir-print-op-generic | mlir-opt-22 | filecheck %s
// RUN: cat %S/../lowering/outline-math.mlir | dlp-opt -p outline-math --mlir-print-op-generic | mlir-opt-22 | filecheck %s
// RUN: cat %S/../lowering/outline-math.mlir | dlp-opt -p outline-math --target=avx512 --mlir-print-op-generic | mlir-opt-22 | filecheck %s

// What the printer reads, the upstream tool reads too.

// CHECK: func.func
