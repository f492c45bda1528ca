// RUN: dlp-opt %s -p canonicalize,dce --split-input-file | filecheck %s

// Views that say nothing go, views of views become one.

// CHECK-LABEL: func.func @views
// CHECK-SAME:    (%[[X:.*]]: tensor<4x8xf32>)
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose ins(%[[X]] : tensor<4x8xf32>) -> tensor<8x4xf32>
// CHECK-NEXT:    %[[R:.*]] = dlp.reshape ins(%[[T]] : tensor<8x4xf32>) -> tensor<2x16xf32>
// CHECK-NEXT:    %[[S:.*]] = dlp.slice ins(%[[X]] : tensor<4x8xf32>) -> tensor<2x2xf32> {offsets = array<i64: 1, 2>, steps = array<i64: 1, 4>}
// CHECK-NEXT:    %[[P:.*]] = dlp.pad ins(%[[S]] : tensor<2x2xf32>) -> tensor<5x4xf32> {low = array<i64: 1, 2>, high = array<i64: 2, 0>
// CHECK-NEXT:    func.return %[[X]], %[[R]], %[[P]], %[[X]]
func.func @views(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<2x16xf32>, tensor<5x4xf32>, tensor<4x8xf32>) {
  %0 = dlp.transpose ins(%x : tensor<4x8xf32>) -> tensor<8x4xf32> {permutation = array<i64: 1, 0>}
  %1 = dlp.transpose ins(%0 : tensor<8x4xf32>) -> tensor<4x8xf32> {permutation = array<i64: 1, 0>}
  %2 = dlp.reshape ins(%0 : tensor<8x4xf32>) -> tensor<32xf32>
  %3 = dlp.reshape ins(%2 : tensor<32xf32>) -> tensor<2x16xf32>
  %4 = dlp.slice ins(%x : tensor<4x8xf32>) -> tensor<3x3xf32> {offsets = array<i64: 0, 2>, steps = array<i64: 1, 2>}
  %5 = dlp.slice ins(%4 : tensor<3x3xf32>) -> tensor<2x2xf32> {offsets = array<i64: 1, 0>, steps = array<i64: 1, 2>}
  %6 = dlp.pad ins(%5 : tensor<2x2xf32>) -> tensor<3x3xf32> {low = array<i64: 1, 1>, high = array<i64: 0, 0>, value = 0.0 : f32}
  %7 = dlp.pad ins(%6 : tensor<3x3xf32>) -> tensor<5x4xf32> {low = array<i64: 0, 1>, high = array<i64: 2, 0>, value = 0.0 : f32}
  %8 = dlp.concat ins(%x : tensor<4x8xf32>) -> tensor<4x8xf32> {dimension = 0 : i64}
  %9 = dlp.broadcast ins(%8 : tensor<4x8xf32>) -> tensor<4x8xf32>
  %10 = dlp.cast ins(%9 : tensor<4x8xf32>) -> tensor<4x8xf32>
  func.return %1, %3, %7, %10 : tensor<4x8xf32>, tensor<2x16xf32>, tensor<5x4xf32>, tensor<4x8xf32>
}

// -----

// What views have in common is not enough: another fill, a copy that is needed for its order, another dimension.

// CHECK-LABEL: func.func @other_views
// CHECK-COUNT-2: dlp.pad
// CHECK:         dlp.transpose
// CHECK-NEXT:    dlp.transpose
// CHECK-NEXT:    dlp.concat
// CHECK-NEXT:    dlp.concat
// CHECK-NEXT:    func.return
func.func @other_views(%x: tensor<2x2xf32>, %y: tensor<2x3x4xf32>) -> (tensor<4x4xf32>, tensor<4x2x3xf32>, tensor<3x4x2xf32>, tensor<4x4xf32>) {
  %0 = dlp.pad ins(%x : tensor<2x2xf32>) -> tensor<3x3xf32> {low = array<i64: 1, 1>, high = array<i64: 0, 0>, value = 0.0 : f32}
  %1 = dlp.pad ins(%0 : tensor<3x3xf32>) -> tensor<4x4xf32> {low = array<i64: 1, 1>, high = array<i64: 0, 0>, value = 1.0 : f32}
  %2 = dlp.transpose ins(%y : tensor<2x3x4xf32>) -> tensor<4x2x3xf32> {permutation = array<i64: 2, 0, 1>}
  %3 = dlp.transpose ins(%y : tensor<2x3x4xf32>) -> tensor<3x4x2xf32> {permutation = array<i64: 1, 2, 0>}
  %4 = dlp.concat ins(%x, %x : tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32> {dimension = 0 : i64}
  %5 = dlp.concat ins(%4, %4 : tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x4xf32> {dimension = 1 : i64}
  func.return %1, %2, %3, %5 : tensor<4x4xf32>, tensor<4x2x3xf32>, tensor<3x4x2xf32>, tensor<4x4xf32>
}

// -----

// CHECK-LABEL: func.func @algebra
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>, %[[I:.*]]: tensor<4xi64>)
// CHECK-DAG:     %[[SQUARE:.*]] = dlp.mul ins(%[[X]], %[[X]]
// CHECK-DAG:     %[[QUARTER:.*]] = dlp.constant ins() -> tensor<f32> {value = 2.500000e-01 : f64}
// CHECK-DAG:     %[[SCALED:.*]] = dlp.mul ins(%[[X]], %[[QUARTER]]
// CHECK-DAG:     %[[FIVE:.*]] = dlp.constant ins() -> tensor<i64> {value = 5 : i64}
// CHECK-DAG:     %[[SUM:.*]] = dlp.add ins(%[[I]], %[[FIVE]]
// CHECK:         func.return %[[X]], %[[X]], %[[SQUARE]], %[[SCALED]], %[[X]], %[[SUM]]
func.func @algebra(%x: tensor<4xf32>, %i: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi64>) {
  %one = dlp.constant ins() -> tensor<4xf32> {value = 1.0 : f64}
  %0 = dlp.mul ins(%one, %x : tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %minus_zero = dlp.constant ins() -> tensor<f32> {value = -0.0 : f64}
  %1 = dlp.add ins(%x, %minus_zero : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %two = dlp.constant ins() -> tensor<f32> {value = 2.0 : f64}
  %2 = dlp.pow ins(%x, %two : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %four = dlp.mul ins(%two, %two : tensor<f32>, tensor<f32>) -> tensor<f32>
  %3 = dlp.div ins(%x, %four : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = dlp.neg ins(%x : tensor<4xf32>) -> tensor<4xf32>
  %5 = dlp.neg ins(%4 : tensor<4xf32>) -> tensor<4xf32>
  %c2 = dlp.constant ins() -> tensor<i64> {value = 2 : i64}
  %c3 = dlp.constant ins() -> tensor<i64> {value = 3 : i64}
  %6 = dlp.add ins(%i, %c2 : tensor<4xi64>, tensor<i64>) -> tensor<4xi64>
  %7 = dlp.add ins(%6, %c3 : tensor<4xi64>, tensor<i64>) -> tensor<4xi64>
  func.return %0, %1, %2, %3, %5, %7 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi64>
}

// -----

// What would change a rounding, a NaN or the sign of a zero stays: x * 0, x + 0.0, x - -0.0, x / 3, (x + c) + d.

// CHECK-LABEL: func.func @inexact
// CHECK:         dlp.mul
// CHECK:         dlp.add
// CHECK:         dlp.sub
// CHECK:         dlp.div
// CHECK:         dlp.add
// CHECK:         dlp.add
// CHECK-NEXT:    func.return
func.func @inexact(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %zero = dlp.constant ins() -> tensor<f32> {value = 0.0 : f64}
  %minus_zero = dlp.constant ins() -> tensor<f32> {value = -0.0 : f64}
  %three = dlp.constant ins() -> tensor<f32> {value = 3.0 : f64}
  %0 = dlp.mul ins(%x, %zero : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = dlp.add ins(%x, %zero : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = dlp.sub ins(%x, %minus_zero : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = dlp.div ins(%x, %three : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = dlp.add ins(%x, %three : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %5 = dlp.add ins(%4, %three : tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  func.return %0, %1, %2, %3, %5 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// Constants are computed, rounded to their type, and seen through views; conditions are decided.

// CHECK-LABEL: func.func @constants
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[M:.*]]: tensor<2x4xi1>)
// CHECK-NEXT:    %[[C:.*]] = dlp.constant ins() -> tensor<f32> {value = 1.1051709651947021 : f64}
// CHECK-NEXT:    %[[A:.*]] = dlp.add ins(%[[X]], %[[C]] : tensor<2x4xf32>, tensor<f32>)
// CHECK-NEXT:    %[[D:.*]] = dlp.constant ins() -> tensor<2x4xf32> {value = 1.1051709651947021 : f64}
// CHECK-NEXT:    func.return %[[A]], %[[X]], %[[D]], %[[M]]
func.func @constants(%x: tensor<2x4xf32>, %m: tensor<2x4xi1>) -> (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xi1>) {
  %tenth = dlp.constant ins() -> tensor<f32> {value = 0.1 : f64}
  %exp = dlp.exp ins(%tenth : tensor<f32>) -> tensor<f32>
  %wide = dlp.broadcast ins(%exp : tensor<f32>) -> tensor<4x2xf32>
  %turned = dlp.transpose ins(%wide : tensor<4x2xf32>) -> tensor<2x4xf32> {permutation = array<i64: 1, 0>}
  %0 = dlp.add ins(%x, %turned : tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %true = dlp.constant ins() -> tensor<2x4xi1> {value = 1 : i1}
  %1 = dlp.select ins(%true, %x, %0 : tensor<2x4xi1>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = dlp.select ins(%true, %exp, %x : tensor<2x4xi1>, tensor<f32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = dlp.and ins(%m, %true : tensor<2x4xi1>, tensor<2x4xi1>) -> tensor<2x4xi1>
  func.return %0, %1, %2, %3 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xi1>
}

// -----

// Element-wise ops broadcast by themselves, except where the broadcast alone gives the shape.

// CHECK-LABEL: func.func @broadcasts
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[B:.*]]: tensor<4xf32>)
// CHECK-NEXT:    %[[W:.*]] = dlp.broadcast ins(%[[B]] : tensor<4xf32>) -> tensor<2x4xf32>
// CHECK-NEXT:    %[[A:.*]] = dlp.add ins(%[[X]], %[[B]] : tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
// CHECK-NEXT:    %[[R:.*]] = dlp.relu ins(%[[W]]
// CHECK-NEXT:    func.return %[[A]], %[[R]]
func.func @broadcasts(%x: tensor<2x4xf32>, %b: tensor<4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %0 = dlp.broadcast ins(%b : tensor<4xf32>) -> tensor<2x4xf32>
  %1 = dlp.add ins(%x, %0 : tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = dlp.relu ins(%0 : tensor<2x4xf32>) -> tensor<2x4xf32>
  func.return %1, %2 : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// Empty tensors are left alone.

// CHECK-LABEL: func.func @empty
// CHECK:         dlp.mul
func.func @empty(%x: tensor<0x4xf32>) -> tensor<0x4xf32> {
  %one = dlp.constant ins() -> tensor<f32> {value = 1.0 : f64}
  %0 = dlp.mul ins(%x, %one : tensor<0x4xf32>, tensor<f32>) -> tensor<0x4xf32>
  func.return %0 : tensor<0x4xf32>
}

// -----

// Concatenations that grow: each goes on from the one before it.

// CHECK-LABEL: func.func @growing
// CHECK-SAME:    (%[[X:.*]]: tensor<1x2xf32>, %[[Y:.*]]: tensor<1x3xf32>)
// CHECK-NEXT:    %[[A:.*]] = dlp.concat ins(%[[X]], %[[Y]] : tensor<1x2xf32>, tensor<1x3xf32>) -> tensor<1x5xf32>
// CHECK-NEXT:    %[[E:.*]] = dlp.exp ins(%[[A]] : tensor<1x5xf32>)
// CHECK-NEXT:    %[[B:.*]] = dlp.concat ins(%[[A]], %[[E]] : tensor<1x5xf32>, tensor<1x5xf32>) -> tensor<1x10xf32>
// CHECK-NEXT:    %[[F:.*]] = dlp.exp ins(%[[B]] : tensor<1x10xf32>)
// CHECK-NEXT:    %[[C:.*]] = dlp.concat ins(%[[B]], %[[F]] : tensor<1x10xf32>, tensor<1x10xf32>) -> tensor<1x20xf32>
// CHECK-NEXT:    %[[D:.*]] = dlp.concat ins(%[[Y]], %[[B]] : tensor<1x3xf32>, tensor<1x10xf32>) -> tensor<1x13xf32>
// CHECK-NEXT:    func.return %[[C]], %[[D]]
func.func @growing(%x: tensor<1x2xf32>, %y: tensor<1x3xf32>) -> (tensor<1x20xf32>, tensor<1x13xf32>) {
  %0 = dlp.concat ins(%x, %y : tensor<1x2xf32>, tensor<1x3xf32>) -> tensor<1x5xf32> {dimension = 1 : i64}
  %1 = dlp.exp ins(%0 : tensor<1x5xf32>) -> tensor<1x5xf32>
  %2 = dlp.concat ins(%x, %y, %1 : tensor<1x2xf32>, tensor<1x3xf32>, tensor<1x5xf32>) -> tensor<1x10xf32> {dimension = 1 : i64}
  %3 = dlp.exp ins(%2 : tensor<1x10xf32>) -> tensor<1x10xf32>
  %4 = dlp.concat ins(%x, %y, %1, %3 : tensor<1x2xf32>, tensor<1x3xf32>, tensor<1x5xf32>, tensor<1x10xf32>) -> tensor<1x20xf32> {dimension = 1 : i64}
  %5 = dlp.concat ins(%y, %x, %y, %1 : tensor<1x3xf32>, tensor<1x2xf32>, tensor<1x3xf32>, tensor<1x5xf32>) -> tensor<1x13xf32> {dimension = 1 : i64}
  func.return %4, %5 : tensor<1x20xf32>, tensor<1x13xf32>
}

// -----

// Another order, another dimension, the same parts, a concatenation that comes later.

// CHECK-LABEL: func.func @not_growing
// CHECK-SAME:    (%[[X:.*]]: tensor<2x2xf32>, %[[Y:.*]]: tensor<2x2xf32>)
// CHECK-NEXT:    dlp.concat ins(%[[Y]], %[[X]], %[[X]]
// CHECK-NEXT:    dlp.concat ins(%[[X]], %[[Y]]
// CHECK-NEXT:    dlp.concat ins(%[[X]], %[[Y]], %[[X]]
// CHECK-NEXT:    dlp.concat ins(%[[Y]], %[[X]]
func.func @not_growing(%x: tensor<2x2xf32>, %y: tensor<2x2xf32>) -> (tensor<2x6xf32>, tensor<2x4xf32>, tensor<6x2xf32>, tensor<2x4xf32>) {
  %0 = dlp.concat ins(%y, %x, %x : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x6xf32> {dimension = 1 : i64}
  %1 = dlp.concat ins(%x, %y : tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x4xf32> {dimension = 1 : i64}
  %2 = dlp.concat ins(%x, %y, %x : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<6x2xf32> {dimension = 0 : i64}
  %3 = dlp.concat ins(%y, %x : tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x4xf32> {dimension = 1 : i64}
  func.return %0, %1, %2, %3 : tensor<2x6xf32>, tensor<2x4xf32>, tensor<6x2xf32>, tensor<2x4xf32>
}

// -----

// Two transposes with a reshape between them: what the reshape cuts is cut before, and elements move once.

// CHECK-LABEL: func.func @joined
// CHECK-SAME:    (%[[W:.*]]: tensor<64x6x2x3xf32>)
// CHECK-NEXT:    %[[P:.*]] = dlp.reshape ins(%[[W]] : tensor<64x6x2x3xf32>) -> tensor<4x16x6x2x3xf32>
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose ins(%[[P]] : tensor<4x16x6x2x3xf32>) -> tensor<4x2x3x6x16xf32> {permutation = array<i64: 0, 3, 4, 2, 1>}
// CHECK-NEXT:    %[[R:.*]] = dlp.reshape ins(%[[T]] : tensor<4x2x3x6x16xf32>) -> tensor<4x36x16xf32>
// CHECK-NEXT:    func.return %[[R]]
func.func @joined(%w: tensor<64x6x2x3xf32>) -> tensor<4x36x16xf32> {
  %0 = dlp.transpose ins(%w : tensor<64x6x2x3xf32>) -> tensor<2x3x6x64xf32> {permutation = array<i64: 2, 3, 1, 0>}
  %1 = dlp.reshape ins(%0 : tensor<2x3x6x64xf32>) -> tensor<36x4x16xf32>
  %2 = dlp.transpose ins(%1 : tensor<36x4x16xf32>) -> tensor<4x36x16xf32> {permutation = array<i64: 1, 0, 2>}
  func.return %2 : tensor<4x36x16xf32>
}

// -----

// A reshape that copies nothing, one that others read, one that cuts across dimensions.

// CHECK-LABEL: func.func @not_joined
// CHECK-SAME:    (%[[X:.*]]: tensor<8x6xf32>, %[[Y:.*]]: tensor<4x6x2xf32>, %[[Z:.*]]: tensor<6x4x5xf32>)
// CHECK:         dlp.transpose ins(%[[X]]
// CHECK-NEXT:    dlp.reshape
// CHECK-NEXT:    dlp.transpose
// CHECK-NEXT:    dlp.transpose ins(%[[Y]]
// CHECK-NEXT:    dlp.reshape
// CHECK-NEXT:    dlp.transpose
// CHECK-NEXT:    dlp.transpose ins(%[[Z]]
// CHECK-NEXT:    dlp.reshape
// CHECK-NEXT:    dlp.transpose
// CHECK-NEXT:    func.return
func.func @not_joined(%x: tensor<8x6xf32>, %y: tensor<4x6x2xf32>, %z: tensor<6x4x5xf32>) -> (tensor<4x6x2xf32>, tensor<12x4xf32>, tensor<4x12xf32>, tensor<8x15xf32>) {
  %0 = dlp.transpose ins(%x : tensor<8x6xf32>) -> tensor<6x8xf32> {permutation = array<i64: 1, 0>}
  %1 = dlp.reshape ins(%0 : tensor<6x8xf32>) -> tensor<6x4x2xf32>
  %2 = dlp.transpose ins(%1 : tensor<6x4x2xf32>) -> tensor<4x6x2xf32> {permutation = array<i64: 1, 0, 2>}
  %3 = dlp.transpose ins(%y : tensor<4x6x2xf32>) -> tensor<4x2x6xf32> {permutation = array<i64: 0, 2, 1>}
  %4 = dlp.reshape ins(%3 : tensor<4x2x6xf32>) -> tensor<4x12xf32>
  %5 = dlp.transpose ins(%4 : tensor<4x12xf32>) -> tensor<12x4xf32> {permutation = array<i64: 1, 0>}
  %6 = dlp.transpose ins(%z : tensor<6x4x5xf32>) -> tensor<4x6x5xf32> {permutation = array<i64: 1, 0, 2>}
  %7 = dlp.reshape ins(%6 : tensor<4x6x5xf32>) -> tensor<15x8xf32>
  %8 = dlp.transpose ins(%7 : tensor<15x8xf32>) -> tensor<8x15xf32> {permutation = array<i64: 1, 0>}
  func.return %2, %5, %4, %8 : tensor<4x6x2xf32>, tensor<12x4xf32>, tensor<4x12xf32>, tensor<8x15xf32>
}
