# The static library of ncnn. AIWF_NCNN names either of
#
#   - the folder where ncnn is installed (by its own CMake, or /usr for Debian's libncnn-dev):
#     that is then found by its ncnnConfig.cmake;
#   - its unpacked source package, which is built here with the layers that pnnx writes for
#     pictures and sounds; some minutes on two cores. Tried with
#
#       ncnn-1.0.20261020.tar.gz (Python package index: "Download files" of ncnn's page; pip itself
#       sha256 ad8cdd63e9755cfa8e23b9b6d9ce46156077d80298a89e7c3ba325ffccfca200   refuses its version)
#
#     `cmake --install BUILD/ncnn --prefix DIR` keeps what was built, for the next AIWF_NCNN=DIR.
if(NOT EXISTS ${AIWF_NCNN}/CMakeLists.txt)
  enable_language(CXX)
  find_package(ncnn REQUIRED CONFIG PATHS ${AIWF_NCNN} NO_DEFAULT_PATH
               NO_CMAKE_FIND_ROOT_PATH)
  return()
endif()
enable_language(CXX)
foreach(feature BENCHMARK TOOLS EXAMPLES TESTS)
  set(NCNN_BUILD_${feature} OFF CACHE BOOL "" FORCE)
endforeach()
# the plug-in calculates in float32 and 8 bits: no variant for numbers of 16 bits, nor for the
# instructions of AMD's processors before 2017
foreach(feature VULKAN OPENMP PYTHON SIMPLEOCV PIXEL PIXEL_ROTATE PIXEL_AFFINE PIXEL_DRAWING
        BF16 AVX512BF16 AVX512FP16 AVXNECONVERT FMA4 XOP)
  set(NCNN_${feature} OFF CACHE BOOL "" FORCE)
endforeach()
set(NCNN_DISABLE_RTTI ON CACHE BOOL "" FORCE)
set(NCNN_DISABLE_EXCEPTION ON CACHE BOOL "" FORCE)
set(wanted
  absval batchnorm bias binaryop cast clip concat convolution convolution1d convolutiondepthwise
  convolutiondepthwise1d crop deconvolution deconvolutiondepthwise dequantize dropout eltwise elu expanddims
  flatten gelu gemm hardsigmoid hardswish innerproduct input interp layernorm matmul memorydata mish
  noop normalize packing padding permute pooling pooling1d prelu quantize reduction relu requantize
  reshape scale shufflechannel sigmoid slice softmax softplus split squeeze swish tanh unaryop)
file(GLOB layers RELATIVE ${AIWF_NCNN}/src/layer ${AIWF_NCNN}/src/layer/*.cpp)
foreach(file ${layers})
  string(REPLACE ".cpp" "" layer ${file})
  if(NOT layer IN_LIST wanted)
    set(WITH_LAYER_${layer} OFF CACHE BOOL "" FORCE)
  endif()
endforeach()
set(NCNN_INSTALL_SDK ON CACHE BOOL "" FORCE)
add_subdirectory(${AIWF_NCNN} ${CMAKE_BINARY_DIR}/ncnn EXCLUDE_FROM_ALL)
