// RUN: dlp-opt %s --target=avx2 -p outline-kernels,bufferize,tile-tasks,hoist-allocations,plan-arena | filecheck %s
// RUN: dlp-opt %s --target=avx2 -p outline-kernels,bufferize,instrument-calls | filecheck %s --check-prefix=TIMED

// The times of kernels come before the sizes.
// TIMED: func.func @forward({{.*}}, %times: memref<2x2xf64>, %{{[a-z0-9]+}}: index) attributes
// TIMED-SAME: dlp.symbols = {s0 = 4 : i64}

// The rows are a size that only a run knows. The function takes it as an argument, and hands it to the kernels.
// CHECK:      func.func @forward(%x: memref<?x16xf32, #dlp.dims<["s0", 16 : i64], [], {s0 = 64 : i64}>>
// CHECK-SAME:   %[[ROWS:[a-z0-9]+]]: index, %{{.*}}: memref<?xi8>) attributes
// CHECK-SAME:   dlp.symbols = {s0 = 3 : i64}
// CHECK:        affine.apply affine_map<(d0) -> (((d0 * 32) + 63))> (%[[ROWS]])
// CHECK:        memref.view %{{.*}}[%{{.*}}][%[[ROWS]]]
// CHECK:        func.call @matmul(%x, %w, %{{.*}}, %[[ROWS]])
func.func @forward(%x: tensor<?x16xf32, #dlp.dims<["s0", 16], [], {s0 = 64 : i64}>>, %w: tensor<16x8xf32>)
    -> tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>> {
  %0 = dlp.fused "matmul" ins(%x, %w : tensor<?x16xf32, #dlp.dims<["s0", 16], [], {s0 = 64 : i64}>>, tensor<16x8xf32>) -> tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>> {
  ^bb0(%a: tensor<?x16xf32, #dlp.dims<["s0", 16], [], {s0 = 64 : i64}>>, %b: tensor<16x8xf32>):
    %p = dlp.matmul ins(%a, %b : tensor<?x16xf32, #dlp.dims<["s0", 16], [], {s0 = 64 : i64}>>, tensor<16x8xf32>) -> tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>>
    dlp.yield %p : tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>>
  }
  %1 = dlp.fused "elementwise" ins(%0 : tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>>) -> tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>> {
  ^bb0(%a: tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>>):
    %r = dlp.relu ins(%a : tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>>) -> tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>>
    dlp.yield %r : tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>>
  }
  func.return %1 : tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>>
}

// Full tiles of known size first, then smaller ones for the rows that are left.
// CHECK:      func.func private @matmul(
// CHECK:        %[[FULL:.*]] = affine.apply affine_map<(d0) -> ((d0 floordiv [[TILE:[0-9]+]]))> (%{{.*}})
// CHECK:        scf.for %{{.*}} = %{{.*}} to %[[FULL]]
// CHECK:          dlp.matmul ins(%{{.*}}, %{{.*}} : memref<[[TILE]]x16xf32
// CHECK:          dlp.matmul ins(%{{.*}}, %{{.*}} : memref<1x16xf32

// The bytes of the arena as a function of the sizes.
// CHECK:      func.func @arena(%{{.*}}: index, %{{.*}}: memref<1xi64>)
// CHECK:        memref.store
