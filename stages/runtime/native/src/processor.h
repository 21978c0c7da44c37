/* This machine's kind of processor, as runtime/processor.py names it. */
#ifndef AIWF_PROCESSOR_H
#define AIWF_PROCESSOR_H

#include "names.h"

#define X86_VNNI "x86-64-vnni"
#define X86 "x86-64"
#define ARM_DOT_PRODUCT "arm64-dotprod"
#define ARM "arm64"

const char *processor_kind(void);

#endif
