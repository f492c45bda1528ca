builtin.module {
  func.func @forward(%0: tensor<2x3x4xf32>, %1: tensor<2x3x4xf32>) -> (tensor<2x2x1x2xf32>, tensor<1x2x6xf32>, tensor<1x1x11xf32>, tensor<1x1x1xf32>) {
    %2 = dlp.slice ins(%0 : tensor<2x3x4xf32>) -> tensor<1x2x4xf32> {offsets = array<i64: 1, 1, 0>, steps = array<i64: 1, 1, 1>}
    %3 = dlp.concat ins(%0, %0 : tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x8xf32> {dimension = 2 : i64}
    %4 = dlp.slice ins(%0 : tensor<2x3x4xf32>) -> tensor<2x1x2xf32> {offsets = array<i64: 0, 1, 0>, steps = array<i64: 1, 2, 2>}
    %5 = dlp.pad ins(%1 : tensor<2x3x4xf32>) -> tensor<3x3x4xf32> {low = array<i64: 1, 0, 0>, high = array<i64: 0, 0, 0>, value = 1.000000e+00 : f64}
    %6 = dlp.reshape ins(%5 : tensor<3x3x4xf32>) -> tensor<1x3x3x4xf32>
    %7 = dlp.weight "w1" : tensor<4x1xf32>
    %8 = dlp.matmul ins(%5, %7 : tensor<3x3x4xf32>, tensor<4x1xf32>) -> tensor<3x3x1xf32>
    %9 = dlp.weight "w2" : tensor<2x3x8xf32>
    %10 = dlp.maximum ins(%9, %3 : tensor<2x3x8xf32>, tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
    %11 = dlp.broadcast ins(%4 : tensor<2x1x2xf32>) -> tensor<2x2x1x2xf32>
    %12 = dlp.weight "w3" : tensor<1x6xf32>
    %13 = dlp.matmul ins(%8, %12 : tensor<3x3x1xf32>, tensor<1x6xf32>) -> tensor<3x3x6xf32>
    %14 = dlp.max_pool ins(%11 : tensor<2x2x1x2xf32>) -> tensor<2x2x1x2xf32> {layout = "channels_first", kernel = array<i64: 1, 1>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>}
    %15 = dlp.reshape ins(%8 : tensor<3x3x1xf32>) -> tensor<9x1x1xf32>
    %16 = dlp.sub ins(%11, %14 : tensor<2x2x1x2xf32>, tensor<2x2x1x2xf32>) -> tensor<2x2x1x2xf32>
    %17 = dlp.slice ins(%13 : tensor<3x3x6xf32>) -> tensor<1x2x6xf32> {offsets = array<i64: 1, 0, 0>, steps = array<i64: 2, 2, 1>}
    %18 = dlp.transpose ins(%15 : tensor<9x1x1xf32>) -> tensor<1x1x9xf32> {permutation = array<i64: 1, 2, 0>}
    %19 = dlp.sum ins(%18 : tensor<1x1x9xf32>) -> tensor<1x1x1xf32> {dims = array<i64: 1, 2>}
    %20 = dlp.weight "w4" : tensor<1x11xf32>
    %21 = dlp.matmul ins(%19, %20 : tensor<1x1x1xf32>, tensor<1x11xf32>) -> tensor<1x1x11xf32>
    %22 = dlp.max ins(%19 : tensor<1x1x1xf32>) -> tensor<1x1x1xf32> {dims = array<i64: 0>}
    %23 = dlp.slice ins(%22 : tensor<1x1x1xf32>) -> tensor<1x1x1xf32> {offsets = array<i64: 0, 0, 0>, steps = array<i64: 1, 2, 2>}
    func.return %16, %17, %21, %23 : tensor<2x2x1x2xf32>, tensor<1x2x6xf32>, tensor<1x1x11xf32>, tensor<1x1x1xf32>
  }
}

