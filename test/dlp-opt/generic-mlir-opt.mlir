// REQUIRES: mlir-opt-22
// RUN: dlp-opt %s --mlir-print-op-generic | mlir-opt-22 | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic --allow-unregistered-dialect | mlir-opt-22 | filecheck %s

// The upstream tool reads what we print.

// CHECK: scf.for
// CHECK:   memref.store
func.func @fill(%value: f32, %m: memref<16xf32>) {
  %from = arith.constant 0 : index
  %to = arith.constant 16 : index
  %step = arith.constant 1 : index
  scf.for %i = %from to %to step %step {
    memref.store %value, %m[%i] : memref<16xf32>
    scf.yield
  }
  func.return
}
