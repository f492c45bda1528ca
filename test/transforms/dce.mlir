// RUN: dlp-opt %s -p dce --split-input-file --pass-statistics 2> %t.statistics | filecheck %s
// RUN: filecheck %s --check-prefix=COUNT < %t.statistics

// A chain of operations that nobody needs goes at once.

// CHECK-LABEL: func.func @chain
// CHECK-SAME:    (%[[A:.*]]: f32)
// CHECK-NEXT:    func.return %[[A]]
func.func @chain(%a: f32) -> f32 {
  %0 = arith.mulf %a, %a : f32
  %1 = arith.addf %0, %a : f32
  func.return %a : f32
}

// -----

// Reading memory is no reason to stay.

// CHECK-LABEL: func.func @load
// CHECK-NEXT:    func.return
func.func @load(%m: memref<4xf32>, %i: index) {
  %0 = memref.load %m[%i] : memref<4xf32>
  func.return
}

// -----

// What stays: stores, what they need, calls with unknown effects, and functions that nobody calls.

// CHECK-LABEL: func.func private @callee
func.func private @callee() -> f32

// CHECK-LABEL: func.func private @uncalled
func.func private @uncalled() {
  func.return
}

// CHECK-LABEL: func.func @effects
// CHECK:         %[[SUM:.*]] = arith.addf
// CHECK-NEXT:    memref.store %[[SUM]]
// CHECK-NEXT:    func.call @callee
func.func @effects(%a: f32, %m: memref<4xf32>, %i: index) {
  %0 = arith.addf %a, %a : f32
  memref.store %0, %m[%i] : memref<4xf32>
  %1 = func.call @callee() : () -> f32
  func.return
}

// COUNT: dce
// COUNT-NEXT: 3 operations removed
