// RUN: dlp-opt %s -p lower-pad | filecheck %s
// RUN: dlp-opt %s -p 'lower-pad{trailing=true}' | filecheck %s --check-prefix=TRAILING

// The frame is filled, each element once; the producer writes into the interior.

// CHECK-LABEL: func.func private @pad
// CHECK-SAME:    (%[[X:.*]]: memref<4x4xf32>, %[[Y:.*]]: memref<7x5xf32>)
// CHECK-NEXT:    %[[T:.*]] = memref.subview %[[Y]][1, 0] [4, 4] [1, 1] : memref<7x5xf32> to memref<4x4xf32, strided<[5, 1], offset: 5>>
// CHECK-NEXT:    dlp.relu ins(%[[X]] : memref<4x4xf32>) outs(%[[T]] :
// CHECK-NEXT:    %[[A:.*]] = memref.subview %[[Y]][0, 0] [1, 5] [1, 1]
// CHECK-NEXT:    dlp.constant ins() outs(%[[A]] : {{.*}}) {value = 0.000000e+00 : f32}
// CHECK-NEXT:    %[[B:.*]] = memref.subview %[[Y]][5, 0] [2, 5] [1, 1]
// CHECK-NEXT:    dlp.constant ins() outs(%[[B]] :
// CHECK-NEXT:    %[[C:.*]] = memref.subview %[[Y]][1, 4] [4, 1] [1, 1]
// CHECK-NEXT:    dlp.constant ins() outs(%[[C]] :
// CHECK-NEXT:    func.return
func.func private @pad(%x: memref<4x4xf32>, %y: memref<7x5xf32>) {
  %t = memref.alloc() : memref<4x4xf32>
  dlp.relu ins(%x : memref<4x4xf32>) outs(%t : memref<4x4xf32>)
  dlp.pad ins(%t : memref<4x4xf32>) outs(%y : memref<7x5xf32>)
    {low = array<i64: 1, 0>, high = array<i64: 2, 1>, value = 0.0 : f32}
  func.return
}

// Parts of a concatenation: a local buffer lies in it, with its views; an argument is copied. The destination is
// made before its parts.

// CHECK-LABEL: func.func private @concat
// CHECK-SAME:    (%[[X:.*]]: memref<4x4xf32>, %[[Y:.*]]: memref<8x4xf32>, %{{.*}})
// CHECK-NEXT:    %[[Z:.*]] = memref.alloc() : memref<8x4xf32>
// CHECK-NEXT:    %[[T:.*]] = memref.subview %[[Z]][0, 0] [4, 4] [1, 1]
// CHECK-NEXT:    dlp.relu ins(%[[X]] : memref<4x4xf32>) outs(%[[T]] :
// CHECK-NEXT:    %[[S:.*]] = memref.subview %[[T]][1, 0] [2, 4] [1, 1] : {{.*}} to memref<2x4xf32, strided<[4, 1], offset: 4>>
// CHECK-NEXT:    dlp.exp ins(%[[S]] : {{.*}}) outs(%{{.*}} :
// CHECK-NEXT:    %[[P:.*]] = memref.subview %[[Z]][4, 0] [4, 4] [1, 1]
// CHECK-NEXT:    dlp.copy ins(%[[X]] : memref<4x4xf32>) outs(%[[P]] :
// CHECK-NEXT:    dlp.exp ins(%[[Z]]
func.func private @concat(%x: memref<4x4xf32>, %y: memref<8x4xf32>, %u: memref<2x4xf32>) {
  %t = memref.alloc() : memref<4x4xf32>
  dlp.relu ins(%x : memref<4x4xf32>) outs(%t : memref<4x4xf32>)
  %s = memref.subview %t[1, 0] [2, 4] [1, 1] : memref<4x4xf32> to memref<2x4xf32, strided<[4, 1], offset: 4>>
  dlp.exp ins(%s : memref<2x4xf32, strided<[4, 1], offset: 4>>) outs(%u : memref<2x4xf32>)
  %z = memref.alloc() : memref<8x4xf32>
  dlp.concat ins(%t, %x : memref<4x4xf32>, memref<4x4xf32>) outs(%z : memref<8x4xf32>) {dimension = 0}
  dlp.exp ins(%z : memref<8x4xf32>) outs(%y : memref<8x4xf32>)
  func.return
}

// A buffer that is a part twice cannot lie in both places.

// CHECK-LABEL: func.func private @twice
// CHECK:         %[[T:.*]] = memref.alloc() : memref<2xf32>
// CHECK:         dlp.copy ins(%[[T]]
// CHECK:         dlp.copy ins(%[[T]]
func.func private @twice(%x: memref<2xf32>, %y: memref<4xf32>) {
  %t = memref.alloc() : memref<2xf32>
  dlp.relu ins(%x : memref<2xf32>) outs(%t : memref<2xf32>)
  dlp.concat ins(%t, %t : memref<2xf32>, memref<2xf32>) outs(%y : memref<4xf32>) {dimension = 0}
  func.return
}

// A pad that is read on: with `trailing` it is left to tiling.

// CHECK-LABEL: func.func private @between
// CHECK-NOT:     dlp.pad

// TRAILING-LABEL: func.func private @pad
// TRAILING-NOT:     dlp.pad
// TRAILING-LABEL: func.func private @between
// TRAILING:         dlp.pad
func.func private @between(%x: memref<1x4x4x2xf32>, %y: memref<1x4x4x2xf32>) {
  %t = memref.alloc() : memref<1x6x6x2xf32>
  dlp.pad ins(%x : memref<1x4x4x2xf32>) outs(%t : memref<1x6x6x2xf32>)
    {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0.0 : f32}
  dlp.max_pool ins(%t : memref<1x6x6x2xf32>) outs(%y : memref<1x4x4x2xf32>)
    {layout = "channels_last", kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>}
  func.return
}
