// RUN: dlp-opt %s -p cse,dce --time-passes --pass-statistics 2>&1 > %t | filecheck %s
// RUN: dlp-opt %s -p scf-for-loop-unroll --pass-statistics 2>&1 > %t | filecheck %s --check-prefix=PATTERNS

// CHECK:      pass timing
// CHECK:      {{[0-9.]+}} {{ *[0-9.]+}}%    1 cse
// CHECK-NEXT: {{[0-9.]+}} {{ *[0-9.]+}}%    2 dce
// CHECK:      parse
// CHECK:      100.0%      total
// CHECK:      pass statistics
// CHECK-NEXT: cse
// CHECK-NEXT:   1 operations removed
// CHECK-NOT:  dce

// What patterns do is counted under their names, also for passes that count nothing themselves.

// PATTERNS:      scf-for-loop-unroll
// PATTERNS-NEXT:   1 rewrites by UnrollLoopPattern
func.func @f(%a: i32) -> (i32, i32) {
  %zero = arith.constant 0 : i32
  %0 = arith.addi %a, %zero : i32
  %1 = arith.addi %a, %zero : i32
  func.return %0, %1 : i32, i32
}

func.func @g(%value: f32, %m: memref<2xf32>) {
  %from = arith.constant 0 : index
  %to = arith.constant 2 : index
  %step = arith.constant 1 : index
  scf.for %i = %from to %to step %step {
    memref.store %value, %m[%i] : memref<2xf32>
    scf.yield
  }
  func.return
}
