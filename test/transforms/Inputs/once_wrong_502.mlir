builtin.module {
  func.func @forward(%0: tensor<1x8x1x1xf32>, %1: tensor<1x8x1x1xf32>) -> (tensor<1x3x1x9xf32>, tensor<1x3x1x8xf32>, tensor<1x1x2x9xf32>, tensor<1x4x1x9xf32>) {
    %2 = dlp.weight "w1" : tensor<1x1x1xf32>
    %3 = dlp.maximum ins(%2, %1 : tensor<1x1x1xf32>, tensor<1x8x1x1xf32>) -> tensor<1x8x1x1xf32>
    %4 = dlp.reshape ins(%3 : tensor<1x8x1x1xf32>) -> tensor<1x8x1xf32>
    %5 = dlp.weight "w2" : tensor<40x1x1x1xf32>
    %6 = dlp.conv ins(%0, %5 : tensor<1x8x1x1xf32>, tensor<40x1x1x1xf32>) -> tensor<1x40x1x1xf32> {layout = "channels_first", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 8 : i64}
    %7 = dlp.weight "w3" : tensor<1x8x1x1xf32>
    %8 = dlp.conv ins(%1, %7 : tensor<1x8x1x1xf32>, tensor<1x8x1x1xf32>) -> tensor<1x1x1x1xf32> {layout = "channels_first", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
    %9 = dlp.weight "w4" : tensor<2x8x1x1xf32>
    %10 = dlp.conv ins(%1, %9 : tensor<1x8x1x1xf32>, tensor<2x8x1x1xf32>) -> tensor<1x2x1x1xf32> {layout = "channels_first", strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, groups = 1 : i64}
    %11 = dlp.weight "w5" : tensor<4x8x1x1xf32>
    %12 = dlp.conv ins(%3, %11 : tensor<1x8x1x1xf32>, tensor<4x8x1x1xf32>) -> tensor<1x4x1x1xf32> {layout = "channels_first", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
    %13 = dlp.mul ins(%6, %6 : tensor<1x40x1x1xf32>, tensor<1x40x1x1xf32>) -> tensor<1x40x1x1xf32>
    %14 = dlp.weight "w6" : tensor<1x9xf32>
    %15 = dlp.matmul ins(%13, %14 : tensor<1x40x1x1xf32>, tensor<1x9xf32>) -> tensor<1x40x1x9xf32>
    %16 = dlp.weight "w7" : tensor<3x40x1x1xf32>
    %17 = dlp.conv ins(%15, %16 : tensor<1x40x1x9xf32>, tensor<3x40x1x1xf32>) -> tensor<1x3x1x9xf32> {layout = "channels_first", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
    %18 = dlp.broadcast ins(%17 : tensor<1x3x1x9xf32>) -> tensor<1x3x2x9xf32>
    %19 = dlp.transpose ins(%13 : tensor<1x40x1x1xf32>) -> tensor<40x1x1x1xf32> {permutation = array<i64: 1, 3, 2, 0>}
    %20 = dlp.weight "w8" : tensor<4x40x1x1xf32>
    %21 = dlp.conv ins(%15, %20 : tensor<1x40x1x9xf32>, tensor<4x40x1x1xf32>) -> tensor<1x4x1x9xf32> {layout = "channels_first", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
    %22 = dlp.weight "w9" : tensor<4x3x1x1xf32>
    %23 = dlp.conv ins(%17, %22 : tensor<1x3x1x9xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x1x9xf32> {layout = "channels_first", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
    %24 = dlp.sum ins(%17 : tensor<1x3x1x9xf32>) -> tensor<1x3x1x9xf32> {dims = array<i64: 0>}
    %25 = dlp.slice ins(%18 : tensor<1x3x2x9xf32>) -> tensor<1x1x2x9xf32> {offsets = array<i64: 0, 1, 0, 0>, steps = array<i64: 2, 2, 1, 1>}
    %26 = dlp.slice ins(%23 : tensor<1x4x1x9xf32>) -> tensor<1x3x1x8xf32> {offsets = array<i64: 0, 1, 0, 1>, steps = array<i64: 2, 1, 1, 1>}
    %27 = dlp.broadcast ins(%25 : tensor<1x1x2x9xf32>) -> tensor<1x1x2x9xf32>
    %28 = dlp.transpose ins(%23 : tensor<1x4x1x9xf32>) -> tensor<1x4x1x9xf32> {permutation = array<i64: 2, 1, 0, 3>}
    func.return %24, %26, %27, %28 : tensor<1x3x1x9xf32>, tensor<1x3x1x8xf32>, tensor<1x1x2x9xf32>, tensor<1x4x1x9xf32>
  }
}

