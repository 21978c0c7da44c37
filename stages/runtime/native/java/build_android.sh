#!/bin/sh
# Compiles the library for Android and puts it into the AAR: build_android.sh NAME.aar
# ANDROID_NDK: the folder of an Android NDK. Not run where the package was made.
set -eu
aar=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
: "${ANDROID_NDK:?Set ANDROID_NDK to the folder of an Android NDK.}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for abi in arm64-v8a armeabi-v7a x86_64; do
    cmake -S "$here/jni" -B "$work/$abi" -DANDROID_ABI="$abi" -DANDROID_PLATFORM=android-21 \
        -DCMAKE_TOOLCHAIN_FILE="$ANDROID_NDK/build/cmake/android.toolchain.cmake" \
        -DCMAKE_BUILD_TYPE=Release
    cmake --build "$work/$abi"
    mkdir -p "$work/aar/jni/$abi"
    cp "$work/$abi/libaiwf_jni.so" "$work/aar/jni/$abi/"
done
cd "$work/aar" && zip -qr "$aar" jni
