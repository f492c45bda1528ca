// RUN: not dlp-opt %s 2>&1 | filecheck %s
// RUN: dlp-opt %s --no-verify | filecheck %s --check-prefix=UNCHECKED

// Wrong IR in a file: its line there, and the IR around it.

// CHECK:      verifier-error.mlir:19: error: 'scf.for': scf.yield expected 0 args, but got 1
// CHECK-NEXT:      2 |   func.func @loop(
// CHECK-NEXT:        | ...
// CHECK:        {{[0-9]+}} |     %4 = arith.addf
// CHECK-NEXT: > {{[0-9]+}} |     scf.for
// CHECK:        {{[0-9]+}} |     func.return
// UNCHECKED: scf.for
func.func @loop(%from: index, %to: index, %step: index, %x: f32) {
  %0 = arith.addf %x, %x : f32
  %1 = arith.addf %x, %x : f32
  %2 = arith.addf %x, %x : f32
  %3 = arith.addf %x, %x : f32
  %4 = arith.addf %x, %x : f32
  scf.for %i = %from to %to step %step {
    scf.yield %x : f32
  }
  func.return
}
