// RUN: dlp-opt %s -p instrument-calls | filecheck %s
// RUN: dlp-opt %s -p instrument-calls -t c --target=avx2 | filecheck %s --check-prefix=C

// One row a kernel, however often it is called; calls in a loop are timed there.

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    %[[X:.*]]: memref<8xf32>, %[[Y:.*]]: memref<8xf32>, %[[T:.*]]: memref<2x2xf64>)
// CHECK-SAME:    dlp.num_outputs = 2 : i64, dlp.timed = ["relu", "half"]
// CHECK-COUNT-4: memref.store %{{.*}}, %[[T]]
// CHECK:         %[[A:.*]] = func.call @omp_get_wtime() : () -> f64
// CHECK-NEXT:    func.call @relu(%[[X]], %[[Y]])
// CHECK-NEXT:    %[[B:.*]] = func.call @omp_get_wtime() : () -> f64
// CHECK-NEXT:    %[[D:.*]] = arith.subf %[[B]], %[[A]]
// CHECK-NEXT:    %[[L:.*]] = memref.load %[[T]]
// CHECK-NEXT:    %[[S:.*]] = arith.addf %[[L]], %[[D]]
// CHECK-NEXT:    memref.store %[[S]], %[[T]]
// CHECK:         scf.for
// CHECK-NEXT:      func.call @omp_get_wtime
// CHECK-NEXT:      func.call @half
// CHECK-NEXT:      func.call @omp_get_wtime
// CHECK:         func.call @omp_get_wtime
// CHECK-NEXT:    func.call @relu

// C: double omp_get_wtime(void);
// C: double start = omp_get_wtime();
// C-NEXT: relu(
// C-NEXT: double stop = omp_get_wtime();
func.func @forward(%x: memref<8xf32>, %y: memref<8xf32>) attributes {dlp.num_outputs = 1 : i64} {
  func.call @relu(%x, %y) : (memref<8xf32>, memref<8xf32>) -> ()
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  scf.for %i = %c0 to %c9 step %c1 {
    func.call @half(%y) : (memref<8xf32>) -> ()
  }
  func.call @relu(%x, %y) : (memref<8xf32>, memref<8xf32>) -> ()
  func.return
}

// Calls that prepare weights, and what a kernel calls, are not timed.

// CHECK-LABEL: func.func @prepare
// CHECK-NEXT:    func.call @half
// CHECK-NEXT:    func.return
func.func @prepare(%w: memref<8xf32>) {
  func.call @half(%w) : (memref<8xf32>) -> ()
  func.return
}
func.func private @relu(%x: memref<8xf32>, %y: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %0 = memref.load %x[%c0] : memref<8xf32>
  memref.store %0, %y[%c0] : memref<8xf32>
  func.return
}
func.func private @half(%x: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %0 = memref.load %x[%c0] : memref<8xf32>
  %1 = func.call @scaled(%0) : (f32) -> f32
  memref.store %1, %x[%c0] : memref<8xf32>
  func.return
}
func.func private @scaled(%a: f32) -> f32 {
  %0 = arith.constant 0.5 : f32
  %1 = arith.mulf %a, %0 : f32
  func.return %1 : f32
}
