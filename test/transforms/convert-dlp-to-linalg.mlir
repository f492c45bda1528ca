// RUN: dlp-opt %s -p convert-dlp-to-linalg | filecheck %s

// Element-wise: broadcasting is in the maps, NaN goes through comparisons.

// CHECK-LABEL: @clamp_of_sum(
// CHECK:      %[[EMPTY:.*]] = tensor.empty() : tensor<2x3xf32>
// CHECK-NEXT: %[[SUM:.*]] = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]} ins(%{{.*}}, %{{.*}} : tensor<2x3xf32>, tensor<3xf32>) outs(%[[EMPTY]] : tensor<2x3xf32>) {
// CHECK-NEXT: ^{{.*}}(%[[A:.*]]: f32, %[[B:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT:   %[[S:.*]] = arith.addf %[[A]], %[[B]] : f32
// CHECK-NEXT:   linalg.yield %[[S]] : f32
// CHECK-NEXT: } -> tensor<2x3xf32>
// CHECK:        arith.cmpf olt
// CHECK:        arith.select
// CHECK-NOT:  dlp.
func.func @clamp_of_sum(%a: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = dlp.add ins(%a, %b : tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %1 = dlp.relu ins(%0 : tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return %1 : tensor<2x3xf32>
}

// A reduction starts from its neutral element; the window, whose size no operand has, gets an operand of its own.

// CHECK-LABEL: @pool(
// CHECK:      %[[OUT:.*]] = tensor.empty() : tensor<1x4x4x3xf32>
// CHECK-NEXT: %[[LOW:.*]] = arith.constant 0xff800000 : f32
// CHECK-NEXT: %[[START:.*]] = linalg.fill ins(%[[LOW]] : f32) outs(%[[OUT]] : tensor<1x4x4x3xf32>)
// CHECK-NEXT: %[[WINDOW:.*]] = tensor.empty() : tensor<2x3xf32>
// CHECK-NEXT: linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, ((d1 * 2) + d4), (d2 + d5), d3)>, affine_map<(d0, d1, d2, d3, d4, d5) -> (d4, d5)>, affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d1, d2, d3)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]} ins(%{{.*}}, %[[WINDOW]] : {{.*}}) outs(%[[START]] :
// CHECK:        arith.maximumf
func.func @pool(%x: tensor<1x8x6x3xf32>) -> tensor<1x4x4x3xf32> {
  %0 = dlp.max_pool ins(%x : tensor<1x8x6x3xf32>) -> tensor<1x4x4x3xf32> {dilations = array<i64: 1, 1>, kernel = array<i64: 2, 3>, layout = "channels_last", strides = array<i64: 2, 1>}
  func.return %0 : tensor<1x4x4x3xf32>
}

// Packed panels stay packed: the map divides.

// CHECK-LABEL: @panels(
// CHECK: affine_map<(d0, d1, d2) -> ((d1 floordiv 4), d2, (d1 mod 4))>
// CHECK: math.fma
func.func @panels(%a: tensor<2x3xf32>, %w: tensor<2x3x4xf32>) -> tensor<2x6xf32> {
  %0 = dlp.matmul ins(%a, %w : tensor<2x3xf32>, tensor<2x3x4xf32>) -> tensor<2x6xf32> {panel = 4 : i64}
  func.return %0 : tensor<2x6xf32>
}

// An indirect operand is read in the body.

// CHECK-LABEL: @gather(
// CHECK-SAME: %[[TABLE:.*]]: tensor<10x4xf32>, %[[INDEX:.*]]: tensor<3xi64>
// CHECK:      linalg.generic {{.*}} ins(%[[INDEX]] : tensor<3xi64>)
// CHECK:        %[[ROW:.*]] = arith.index_cast %{{.*}} : i64 to index
// CHECK-NEXT:   %[[COLUMN:.*]] = linalg.index 1
// CHECK-NEXT:   tensor.extract %[[TABLE]][%[[ROW]], %[[COLUMN]]]
func.func @gather(%t: tensor<10x4xf32>, %i: tensor<3xi64>) -> tensor<3x4xf32> {
  %0 = dlp.gather ins(%t, %i : tensor<10x4xf32>, tensor<3xi64>) -> tensor<3x4xf32> {dimension = 0 : i64}
  func.return %0 : tensor<3x4xf32>
}

// Pad and concat insert into their destination.

// CHECK-LABEL: @insertions(
// CHECK: %[[FRAME:.*]] = linalg.fill
// CHECK: %[[PADDED:.*]] = tensor.insert_slice %{{.*}} into %[[FRAME]][1] [2] [1]
// CHECK: %[[OUT:.*]] = tensor.empty() : tensor<6xf32>
// CHECK: %[[FIRST:.*]] = tensor.insert_slice %[[PADDED]] into %[[OUT]][0] [4] [1]
// CHECK: tensor.insert_slice %{{.*}} into %[[FIRST]][4] [2] [1]
func.func @insertions(%x: tensor<2xf32>) -> tensor<6xf32> {
  %0 = dlp.pad ins(%x : tensor<2xf32>) -> tensor<4xf32> {high = array<i64: 1>, low = array<i64: 1>, value = 0.0 : f32}
  %1 = dlp.concat ins(%0, %x : tensor<4xf32>, tensor<2xf32>) -> tensor<6xf32> {dimension = 0 : i64}
  func.return %1 : tensor<6xf32>
}

// On buffers there is no new destination, and what accumulates is not filled.

// CHECK-LABEL: @buffers(
// CHECK-SAME: %{{.*}}: memref<2x3xf32>, %{{.*}}: memref<3x4xf32>, %[[OUT:.*]]: memref<2x4xf32>
// CHECK-NEXT: linalg.generic {{.*}} outs(%[[OUT]] : memref<2x4xf32>)
// CHECK-NOT:  linalg.fill
// CHECK:      func.return
func.func @buffers(%a: memref<2x3xf32>, %w: memref<3x4xf32>, %out: memref<2x4xf32>) {
  dlp.matmul ins(%a, %w : memref<2x3xf32>, memref<3x4xf32>) outs(%out : memref<2x4xf32>) {accumulate}
  func.return
}

// What has no iteration space stays.

// CHECK-LABEL: @others(
// CHECK-NEXT: dlp.weight "w"
// CHECK-NEXT: dlp.softmax
// CHECK-NOT:  linalg
// CHECK:      func.return
func.func @others() -> tensor<2x3xf32> {
  %0 = dlp.weight "w" : tensor<2x3xf32>
  %1 = dlp.softmax ins(%0 : tensor<2x3xf32>) -> tensor<2x3xf32> {dimension = 1 : i64}
  func.return %1 : tensor<2x3xf32>
}
