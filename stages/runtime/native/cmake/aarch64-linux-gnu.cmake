# For arm64 boards with Linux: Debian's cross compiler (gcc-aarch64-linux-gnu).
#
#   cmake -B build-arm64 -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64-linux-gnu.cmake -DAIWF_ARM64_ROOT=/path
#
# AIWF_ARM64_ROOT: a folder with the decoders' arm64 packages unpacked in it (usr/include, usr/lib).
# "/" where they are installed beside the machine's own, as Debian's multiarch packages are.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES AIWF_ARM64_ROOT)
if(AIWF_ARM64_ROOT)
  set(CMAKE_C_FLAGS_INIT "-isystem ${AIWF_ARM64_ROOT}/usr/include/aarch64-linux-gnu")
  set(CMAKE_FIND_ROOT_PATH ${AIWF_ARM64_ROOT})
  set(libraries "${AIWF_ARM64_ROOT}/usr/lib/aarch64-linux-gnu:${AIWF_ARM64_ROOT}/lib/aarch64-linux-gnu")
  set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath-link,${libraries}")
  set(CMAKE_SHARED_LINKER_FLAGS_INIT ${CMAKE_EXE_LINKER_FLAGS_INIT})
endif()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
