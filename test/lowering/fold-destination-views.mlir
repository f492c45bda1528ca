// RUN: dlp-opt -p fold-destination-views %s | filecheck %s

// CHECK-LABEL: func.func private @heads
// CHECK: %[[T:.*]] = memref.reinterpret_cast %{{.*}} to offset: [0], sizes: [12, 16, 8], strides: [8, 96, 1]
// CHECK: dlp.relu ins(%{{.*}}) outs(%[[T]]
// CHECK-NOT: dlp.transpose
func.func private @heads(%x: memref<12x16x8xf32>, %y: memref<16x12x8xf32>) {
  %t = memref.alloc() : memref<12x16x8xf32>
  dlp.relu ins(%x : memref<12x16x8xf32>) outs(%t : memref<12x16x8xf32>)
  dlp.transpose ins(%t : memref<12x16x8xf32>) outs(%y : memref<16x12x8xf32>) {permutation = array<i64: 1, 0, 2>}
  func.return
}

// An argument is not ours to move.
// CHECK-LABEL: func.func private @argument
// CHECK: dlp.transpose
func.func private @argument(%x: memref<12x16xf32>, %y: memref<16x12xf32>) {
  dlp.transpose ins(%x : memref<12x16xf32>) outs(%y : memref<16x12xf32>) {permutation = array<i64: 1, 0>}
  func.return
}

// Two orders of one buffer: one of them is a copy.
// CHECK-LABEL: func.func private @twice
// CHECK: dlp.transpose
// CHECK: dlp.transpose
func.func private @twice(%x: memref<12x16xf32>, %y: memref<16x12xf32>, %z: memref<16x12xf32>) {
  %t = memref.alloc() : memref<12x16xf32>
  dlp.relu ins(%x : memref<12x16xf32>) outs(%t : memref<12x16xf32>)
  dlp.transpose ins(%t : memref<12x16xf32>) outs(%y : memref<16x12xf32>) {permutation = array<i64: 1, 0>}
  dlp.transpose ins(%t : memref<12x16xf32>) outs(%z : memref<16x12xf32>) {permutation = array<i64: 1, 0>}
  func.return
}

// What has gaps on one side is a copy through the dimensions of that side.
// CHECK-LABEL: func.func private @from_gaps
// CHECK: %[[Y:.*]] = memref.reinterpret_cast %y to offset: [0], sizes: [6, 6], strides: [6, 1]
// CHECK: dlp.copy ins(%x : {{.*}}) outs(%[[Y]] :
// CHECK-NOT: dlp.reshape
func.func private @from_gaps(%x: memref<6x6xf32, strided<[7, 1]>>, %y: memref<36xf32>) {
  dlp.reshape ins(%x : memref<6x6xf32, strided<[7, 1]>>) outs(%y : memref<36xf32>)
  func.return
}

// CHECK-LABEL: func.func private @to_gaps
// CHECK: %[[X:.*]] = memref.reinterpret_cast %x to offset: [0], sizes: [6, 6], strides: [6, 1]
// CHECK: dlp.copy ins(%[[X]] : {{.*}}) outs(%y :
// CHECK-NOT: dlp.reshape
func.func private @to_gaps(%x: memref<36xf32>, %y: memref<6x6xf32, strided<[7, 1]>>) {
  dlp.reshape ins(%x : memref<36xf32>) outs(%y : memref<6x6xf32, strided<[7, 1]>>)
  func.return
}

// With gaps on both sides it has neither's dimensions.
// CHECK-LABEL: func.func private @between_gaps
// CHECK: dlp.reshape
func.func private @between_gaps(%x: memref<6x6xf32, strided<[7, 1]>>, %y: memref<2x18xf32, strided<[20, 1]>>) {
  dlp.reshape ins(%x : memref<6x6xf32, strided<[7, 1]>>) outs(%y : memref<2x18xf32, strided<[20, 1]>>)
  func.return
}
