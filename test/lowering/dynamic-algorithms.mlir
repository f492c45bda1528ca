// RUN: dlp-opt %s --target=avx2 -p fuse,outline-kernels,bufferize,convert-dlp-to-loops,hoist-allocations | filecheck %s

// A sort of rows whose length only a run knows: its scratch memory has that size, the caller lends it, and how often
// runs are merged follows from the bits of the length.
// CHECK:      func.func @forward({{.*}}, %[[N:[a-z0-9]+]]: index)
// CHECK-NEXT:   %{{.*}} = memref.alloc(%[[N]]) : memref<4x?xf32
// CHECK-NEXT:   %{{.*}} = memref.alloc(%[[N]]) : memref<4x?xi64
// CHECK-NEXT:   %{{.*}} = memref.alloc(%[[N]]) : memref<4x?xf32
// CHECK-NEXT:   func.call @argsort
// CHECK:      func.func private @argsort
// CHECK:        %{{.*}}, %[[BITS:.*]] = scf.for %bit
// CHECK:        %[[MORE:.*]] = arith.addi %[[BITS]],
// CHECK:        %[[ROUNDS:.*]] = arith.divsi %[[MORE]],
// CHECK-NOT:    memref.alloc
// CHECK:        scf.for %round = %{{.*}} to %[[ROUNDS]]
func.func @forward(%x: tensor<4x?xf32, #dlp.dims<[4, "s0"], [], {s0 = 64 : i64}>>)
    -> tensor<4x?xi64, #dlp.dims<[4, "s0"], [], {s0 = 64 : i64}>> {
  %0 = dlp.argsort ins(%x : tensor<4x?xf32, #dlp.dims<[4, "s0"], [], {s0 = 64 : i64}>>)
      -> tensor<4x?xi64, #dlp.dims<[4, "s0"], [], {s0 = 64 : i64}>> {dimension = 1 : i64}
  func.return %0 : tensor<4x?xi64, #dlp.dims<[4, "s0"], [], {s0 = 64 : i64}>>
}
