// One random case of each kernel family: a set's kernels against plain loops.
#ifndef MLQ_TESTS_TESTS_H_
#define MLQ_TESTS_TESTS_H_

#include "mlq.h"

void TestFloat(const mlq_kernel_table& t, const char* set, int number, bool depthwise);
void TestByte(const mlq_kernel_table& t, const char* set, int number, bool depthwise);
void TestJoin(const mlq_kernel_table& t, const char* set, int number);
void TestCodebook(const mlq_kernel_table& t, const char* set, int number);
void TestPools(const mlq_kernel_table& t, const char* set, int number);
void TestElements(const mlq_kernel_table& t, const char* set, int count);
void TestGrouped(const mlq_kernel_table& t, const char* set, int number);
void TestNarrow(const mlq_kernel_table& t, const char* set, int number);
void TestPlanes(const mlq_kernel_table& table, const char* set, int number);

#endif  // MLQ_TESTS_TESTS_H_
