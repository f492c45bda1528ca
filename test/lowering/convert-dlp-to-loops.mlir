// RUN: dlp-opt %s -p convert-dlp-to-loops | filecheck %s

// CHECK-LABEL: func.func private @reduction
// CHECK:         scf.for %[[I:.*]] = %[[C0:.*]] to %{{.*}} step %[[C1:.*]] {
// CHECK-NEXT:      %[[Z:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-NEXT:      %[[S:.*]] = scf.for %[[R:.*]] = %[[C0]] to %{{.*}} step %[[C1]] iter_args(%[[A:.*]] = %[[Z]]) -> (f32) {
// CHECK-NEXT:        %[[V:.*]] = memref.load %{{.*}}[%[[I]], %[[R]]]
// CHECK-NEXT:        %[[N:.*]] = arith.addf %[[A]], %[[V]] : f32
// CHECK-NEXT:        scf.yield %[[N]] : f32
// CHECK-NEXT:      }
// CHECK-NEXT:      memref.store %[[S]], %{{.*}}[%[[I]], %[[C0]]] : memref<8x1xf32>
func.func private @reduction(%x: memref<8x16xf32>, %y: memref<8x1xf32>) {
  dlp.sum ins(%x : memref<8x16xf32>) outs(%y : memref<8x1xf32>) {dims = array<i64: 1>}
  func.return
}

// A strided window is one affine.apply; a reduction that accumulates starts from what the buffer holds.

// CHECK-LABEL: func.func private @window
// CHECK:         %[[ACC:.*]] = memref.load %{{.*}}[%{{.*}}, %[[O:.*]], %{{.*}}] : memref<1x7x1xf32>
// CHECK:         scf.for %[[K:.*]] = {{.*}} iter_args(%{{.*}} = %[[ACC]]) -> (f32) {
// CHECK:           affine.apply affine_map<(d0, d1) -> (((d0 * 2) + d1))> (%[[O]], %[[K]])
func.func private @window(%x: memref<1x16x1xf32>, %y: memref<1x7x1xf32>) {
  dlp.sum_pool ins(%x : memref<1x16x1xf32>) outs(%y : memref<1x7x1xf32>)
    {layout = "channels_last", kernel = array<i64: 3>, strides = array<i64: 2>, dilations = array<i64: 1>, accumulate}
  func.return
}

// An index that is loaded; integer maxima start from the type's bound; small loops stay on one thread.

// CHECK-LABEL: func.func private @indirect
// CHECK-NOT:     scf.parallel
// CHECK:         %[[L:.*]] = memref.load %{{.*}}[%{{.*}}] : memref<3xi64>
// CHECK-NEXT:    %[[X:.*]] = arith.index_cast %[[L]] : i64 to index
// CHECK-NEXT:    memref.load %{{.*}}[%[[X]], %{{.*}}] : memref<8x4xi64>
// CHECK:         arith.constant -9223372036854775808 : i64
func.func private @indirect(%t: memref<8x4xi64>, %i: memref<3xi64>, %g: memref<3x4xi64>, %m: memref<3x1xi64>) {
  dlp.gather ins(%t, %i : memref<8x4xi64>, memref<3xi64>) outs(%g : memref<3x4xi64>) {dimension = 0}
  dlp.max ins(%g : memref<3x4xi64>) outs(%m : memref<3x1xi64>) {dims = array<i64: 1>}
  func.return
}

// CHECK-LABEL: func.func private @large
// CHECK:         scf.parallel
// CHECK:         scf.reduce
// CHECK-NOT:     dlp.relu
// CHECK:         func.return
func.func private @large(%x: memref<256x256xf32>, %y: memref<256x256xf32>) {
  dlp.relu ins(%x : memref<256x256xf32>) outs(%y : memref<256x256xf32>)
  func.return
}

// An algorithm brings its loops: the index of a whole slice is read once; rows that are alike go to threads.

// CHECK-LABEL: func.func private @scatter
// CHECK:         "memref.copy"(%[[X:.*]], %[[Y:.*]]) : (memref<9x40xf32>, memref<9x40xf32>) -> ()
// CHECK:         scf.for %[[S:.*]] = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK:           scf.for %[[E:.*]] = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK-NEXT:        %[[L:.*]] = memref.load %{{.*}}[%[[E]], %{{.*}}] : memref<5x1xi64>
// CHECK-NEXT:        %[[T:.*]] = arith.index_cast %[[L]] : i64 to index
// CHECK-NEXT:        scf.for %[[C:.*]] = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK-NEXT:          %[[N:.*]] = memref.load %{{.*}}[%[[E]], %[[C]]] : memref<5x40xf32>
// CHECK-NEXT:          %[[O:.*]] = memref.load %[[Y]][%[[T]], %[[C]]] : memref<9x40xf32>
// CHECK-NEXT:          %[[A:.*]] = arith.addf %[[O]], %[[N]] : f32
// CHECK-NEXT:          memref.store %[[A]], %[[Y]][%[[T]], %[[C]]] : memref<9x40xf32>
func.func private @scatter(%x: memref<9x40xf32>, %i: memref<5x1xi64>, %u: memref<5x40xf32>, %y: memref<9x40xf32>) {
  dlp.scatter ins(%x, %i, %u : memref<9x40xf32>, memref<5x1xi64>, memref<5x40xf32>) outs(%y : memref<9x40xf32>) {dimension = 0 : i64, combine = "add"}
  func.return
}

// CHECK-LABEL: func.func private @rows
// CHECK:         scf.parallel
// CHECK:           scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}) -> (f64) {
// CHECK:         scf.reduce
// CHECK-NOT:     dlp.cumulate
// CHECK:         func.return
func.func private @rows(%x: memref<64x512xf32>, %y: memref<64x512xf32>) {
  dlp.cumulate ins(%x : memref<64x512xf32>) outs(%y : memref<64x512xf32>) {dimension = 1 : i64, kind = "add"}
  func.return
}

// What is checked is computed in plain loops, and asserted.

// CHECK-LABEL: func.func private @check
// CHECK:         %[[K:.*]] = arith.andi %{{.*}}, %{{.*}} : i1
// CHECK-NEXT:    cf.assert %[[K]], "IndexError: no such row"
// CHECK-NEXT:    arith.select %[[K]], %{{.*}}, %{{.*}} : i64
func.func private @check(%i: memref<7xi64>, %y: memref<7xi64>) {
  dlp.check_index ins(%i : memref<7xi64>) outs(%y : memref<7xi64>) {size = 5 : i64, message = "IndexError: no such row"}
  func.return
}

// On tensors there is nothing to loop over yet.

// CHECK-LABEL: func.func @tensors
// CHECK-NEXT:    dlp.relu ins(%{{.*}} : tensor<4xf32>) -> tensor<4xf32>
func.func @tensors(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dlp.relu ins(%x : tensor<4xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
