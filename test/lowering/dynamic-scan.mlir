// RUN: dlp-opt %s --target=avx2 -p bufferize,plan-arena | filecheck %s

// As many steps as a run brings, on a batch of open size: the loop's end and the sizes of its views are arguments.
// CHECK:      func.func @forward(
// CHECK-SAME:   %[[ROWS:s0]]: index, %[[STEPS:s1]]: index
// CHECK:        %[[LAST:.*]] = affine.apply affine_map<(d0) -> ((d0 + -1))> (%[[STEPS]])
// CHECK:        %[[PLACE:.*]] = arith.subi %[[LAST]], %[[STEP:.*]] : index
// CHECK:        memref.subview %xs[%[[PLACE]], 0, 0] [1, %[[ROWS]], 4] [1, 1, 1]
// CHECK-SAME:     to memref<?x4xf32, strided<[4, 1], offset: ?>, #dlp.dims<["s0", 4 : i64], [4 : i64, 1 : i64], {s0 = 8 : i64}>>
// CHECK:        func.call @step(%{{.*}}, %{{.*}}, %{{.*}}, %[[ROWS]])
func.func @forward(%xs: tensor<?x?x4xf32, #dlp.dims<["s1", "s0", 4], [], {s0 = 8 : i64, s1 = 5 : i64}>>, %first: tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>)
    -> tensor<?x?x4xf32, #dlp.dims<["s1", "s0", 4], [], {s0 = 8 : i64, s1 = 5 : i64}>> {
  %last, %ys = dlp.scan reverse ins(%xs : tensor<?x?x4xf32, #dlp.dims<["s1", "s0", 4], [], {s0 = 8 : i64, s1 = 5 : i64}>>) init(%first : tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>)
      -> (tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>) outputs (tensor<?x?x4xf32, #dlp.dims<["s1", "s0", 4], [], {s0 = 8 : i64, s1 = 5 : i64}>>) {
  ^bb0(%x: tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>, %h: tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>):
    %n = func.call @step(%x, %h) : (tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>, tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>) -> tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>
    dlp.yield %n, %n : tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>, tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>
  }
  func.return %ys : tensor<?x?x4xf32, #dlp.dims<["s1", "s0", 4], [], {s0 = 8 : i64, s1 = 5 : i64}>>
}
func.func private @step(%a: tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>, %b: tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>) -> tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>> {
  %0 = dlp.add ins(%a, %b : tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>, tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>) -> tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>
  func.return %0 : tensor<?x4xf32, #dlp.dims<["s0", 4], [], {s0 = 8 : i64}>>
}
