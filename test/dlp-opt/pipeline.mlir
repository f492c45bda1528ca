// RUN: dlp-opt %s -p cse,dce --print-ir-after-all 2>&1 | filecheck %s --check-prefix=ORDER
// RUN: dlp-opt %s --cse --dce --print-ir-after-all 2>&1 | filecheck %s --check-prefix=ORDER
// RUN: dlp-opt %s --pass-pipeline='builtin.module(cse,dce)' --print-ir-after-all 2>&1 | filecheck %s --check-prefix=ORDER
// RUN: dlp-opt %s -p 'scf-for-loop-unroll,canonicalize' | filecheck %s --check-prefix=UPSTREAM
// RUN: dlp-opt %s -p '' | filecheck %s --check-prefix=NOTHING

// ORDER: IR Dump After cse
// ORDER: IR Dump After dce

// UPSTREAM-COUNT-2: memref.store
// UPSTREAM-NOT:     scf.for

// NOTHING: scf.for
func.func @fill(%value: f32, %m: memref<2xf32>) {
  %from = arith.constant 0 : index
  %to = arith.constant 2 : index
  %step = arith.constant 1 : index
  scf.for %i = %from to %to step %step {
    memref.store %value, %m[%i] : memref<2xf32>
    scf.yield
  }
  func.return
}
