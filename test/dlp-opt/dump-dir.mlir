// RUN: rm -rf %t
// RUN: dlp-opt %s --target=avx2 -p 'dce,scf-for-loop-unroll,scf-for-loop-unroll,cse' --dump-dir=%t -o %t.result
// RUN: ls %t | filecheck %s --check-prefix=FILES --strict-whitespace
// RUN: head -n 1 -q %t/000-input.mlir %t/002-scf-for-loop-unroll.mlir %t/004-cse.mlir | filecheck %s --check-prefix=HEADS

// Only passes that changed something leave a file.

// FILES:      000-input.mlir
// FILES-NEXT: 002-scf-for-loop-unroll.mlir
// FILES-NEXT: 004-cse.mlir
// FILES-NOT:  {{.}}

// HEADS:      // the input
// HEADS-NEXT: // dlp-opt --target=avx2 -p 'scf-for-loop-unroll' 000-input.mlir
// HEADS-NEXT: // dlp-opt --target=avx2 -p 'cse' 002-scf-for-loop-unroll.mlir

// The command in the head of each file makes the file from the one before.

// RUN: cd %t && dlp-opt --target=avx2 -p 'scf-for-loop-unroll' 000-input.mlir -o 002 && tail -n +2 002-scf-for-loop-unroll.mlir | diff - 002
// RUN: cd %t && dlp-opt --target=avx2 -p 'cse' 002-scf-for-loop-unroll.mlir -o 004 && tail -n +2 004-cse.mlir | diff - 004
// RUN: tail -n +2 %t/004-cse.mlir | diff - %t.result
func.func @fill(%value: f32, %m: memref<2xf32>) {
  %from = arith.constant 0 : index
  %also_from = arith.constant 0 : index
  %to = arith.constant 2 : index
  %step = arith.constant 1 : index
  scf.for %i = %from to %to step %step {
    %j = arith.addi %i, %also_from : index
    memref.store %value, %m[%j] : memref<2xf32>
    scf.yield
  }
  func.return
}
