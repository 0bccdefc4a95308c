// A stand-in for NVIDIA's driver, libcuda.so.1: memory of the device is the host's, and no kernel runs.
//
// It lets tests run what happens on the host, in the code of numba-cuda and cuda-python, without a GPU. Every call is
// written down, one line each: its name, and "key=value" for what tests ask about. A name that is not here is not
// found, and cuda-python says so. tests/driver.py builds it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t address;
enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, INVALID_CONTEXT = 201, NOT_FOUND = 500, CAPTURING = 900 };
enum { MULTIPROCESSORS = 132 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// ---- What was called ------------------------------------------------------------------------------------------------

static char *text;
static size_t used, room;
static int silent;

static void note(const char *format, ...) {
    if (silent) return;
    pthread_mutex_lock(&lock);
    if (used + 1024 > room) text = realloc(text, room = 2 * room + 65536);
    va_list values;
    va_start(values, format);
    int wrote = vsnprintf(text + used, 1023, format, values);
    va_end(values);
    used += wrote < 1022 ? wrote : 1022;
    text[used++] = '\n';
    text[used] = 0;
    pthread_mutex_unlock(&lock);
}

const char *fake_log(void) { return text ? text : ""; }

void fake_reset(void) { used = 0; if (text) text[0] = 0; }

// Write nothing down, where calls are timed.
void fake_silent(int yes) { silent = yes; }

// ---- What is refused: all without a context; what no graph can hold, while a stream is captured ---------------------

static __thread void *current[16];
static __thread int depth;
static int capturing;
static void *captured;

// From now on `stream` is captured, or none is.
void fake_capture(int yes, void *stream) { capturing = yes, captured = stream; }

#define UNLESS_CAPTURING(name) \
    if (!depth) return INVALID_CONTEXT; \
    if (capturing) { note(name " refused=1"); return CAPTURING; }

int cuStreamIsCapturing(void *stream, int *status) {
    note("cuStreamIsCapturing stream=%#lx", stream);
    *status = capturing && stream == captured;
    return SUCCESS;
}

// ---- Memory ---------------------------------------------------------------------------------------------------------

struct block { address start; size_t size; int pinned, ours; struct block *next; };
static struct block *blocks;
static size_t taken;
static const size_t TOTAL = (size_t)140 << 30;

static struct block *holding(address at, size_t n) {
    pthread_mutex_lock(&lock);
    struct block *b = blocks;
    while (b && !(at >= b->start && at + n <= b->start + b->size)) b = b->next;
    pthread_mutex_unlock(&lock);
    return b;
}

static int on_device(address at, size_t n) { return n == 0 || holding(at, n); }

static void keep(address start, size_t size, int pinned, int ours) {
    struct block *b = malloc(sizeof *b);
    pthread_mutex_lock(&lock);
    *b = (struct block){start, size, pinned, ours, blocks};
    blocks = b;
    taken += size;
    pthread_mutex_unlock(&lock);
}

static int drop(address start) {
    pthread_mutex_lock(&lock);
    struct block **at = &blocks, *b;
    while (*at && (*at)->start != start) at = &(*at)->next;
    if ((b = *at)) {
        *at = b->next;
        taken -= b->size;
        if (b->ours) free((void *)b->start);
        free(b);
    }
    pthread_mutex_unlock(&lock);
    return b ? SUCCESS : INVALID_VALUE;
}

static int make(address *found, size_t n, int pinned) {
    if (n == 0) return INVALID_VALUE;
    if (n > TOTAL - taken || posix_memalign((void **)found, 512, n)) return OUT_OF_MEMORY;
    memset((void *)*found, 0xff, n);  // NaN, in what nobody has written
    keep(*found, n, pinned, 1);
    return SUCCESS;
}

#define ALLOCATES(name, pinned, ...) \
    int name(address *found, size_t n, ##__VA_ARGS__) { \
        UNLESS_CAPTURING(#name) \
        note(#name " bytes=%zu", n); \
        return make(found, n, pinned); \
    }
ALLOCATES(cuMemAlloc, 0)
ALLOCATES(cuMemAllocManaged, 1, unsigned flags)
ALLOCATES(cuMemHostAlloc, 1, unsigned flags)

int cuMemFree(address at) { UNLESS_CAPTURING("cuMemFree") note("cuMemFree"); return at ? drop(at) : SUCCESS; }
int cuMemFreeHost(address at) { UNLESS_CAPTURING("cuMemFreeHost") note("cuMemFreeHost"); return drop(at); }
int cuMemHostRegister(address at, size_t n, unsigned flags) { note("cuMemHostRegister"); keep(at, n, 1, 0); return 0; }
int cuMemHostUnregister(address at) { note("cuMemHostUnregister"); return drop(at); }
int cuMemHostGetDevicePointer(address *found, address at, unsigned flags) { *found = at; return SUCCESS; }
int cuMemGetInfo(size_t *left, size_t *total) { *left = TOTAL - taken, *total = TOTAL; return SUCCESS; }

int cuMemGetAddressRange(address *start, size_t *size, address at) {
    struct block *b = holding(at, 1);
    if (!b) return INVALID_VALUE;
    if (start) *start = b->start;
    if (size) *size = b->size;
    return SUCCESS;
}

static address other;

// From now on memory from this address on is another device's.
void fake_other(address at) { other = at; }

int cuPointerGetAttribute(void *value, int attribute, address at) {
    struct block *b = holding(at, 0);
    if (!b) return INVALID_VALUE;
    if (attribute == 1) *(void **)value = &blocks;  // the context
    else if (attribute == 2) *(unsigned *)value = 2 - b->pinned;  // memory of the host, or of the device
    else if (attribute == 3) *(address *)value = at;
    else if (attribute == 9) *(int *)value = at >= other && other ? 1 : 0;
    else return INVALID_VALUE;
    return SUCCESS;
}

static int copy(const char *name, address to, address from, size_t n, void *stream, int ordered, address host) {
    struct block *b = host ? holding(host, n) : NULL;
    if (capturing && !(ordered && (!host || (b && b->pinned)))) { note("%s refused=1", name); return CAPTURING; }
    if (!depth) return INVALID_CONTEXT;
    note("%s bytes=%zu stream=%#lx", name, n, stream);
    if ((host != to && !on_device(to, n)) || (host != from && !on_device(from, n))) return INVALID_VALUE;
    memmove((void *)to, (void *)from, n);
    return SUCCESS;
}

#define COPIES(name, host) \
    int name(address to, address from, size_t n) { return copy(#name, to, from, n, NULL, 0, host); } \
    int name##Async(address to, address from, size_t n, void *stream) { \
        return copy(#name "Async", to, from, n, stream, 1, host); \
    }
COPIES(cuMemcpyHtoD, from)
COPIES(cuMemcpyDtoH, to)
COPIES(cuMemcpyDtoD, 0)

int cuMemsetD8Async(address to, unsigned char value, size_t n, void *stream) {
    if (!depth) return INVALID_CONTEXT;
    note("cuMemsetD8Async bytes=%zu stream=%#lx", n, stream);
    return on_device(to, n) ? memset((void *)to, value, n), SUCCESS : INVALID_VALUE;
}

int cuMemsetD8(address to, unsigned char value, size_t n) {
    UNLESS_CAPTURING("cuMemsetD8")
    note("cuMemsetD8 bytes=%zu stream=0", n);
    return on_device(to, n) ? memset((void *)to, value, n), SUCCESS : INVALID_VALUE;
}

// ---- The device and its context -------------------------------------------------------------------------------------

int cuInit(unsigned flags) { note("cuInit"); return SUCCESS; }
int cuDriverGetVersion(int *version) { *version = 12090; return SUCCESS; }
int cuDeviceGet(int *device, int k) { *device = k; return k ? INVALID_VALUE : SUCCESS; }
int cuDeviceGetCount(int *count) { *count = 1; return SUCCESS; }
int cuDeviceGetName(char *name, int n, int device) { snprintf(name, n, "Stand-in"); return SUCCESS; }
int cuDeviceGetUuid(char *uuid, int device) { memset(uuid, 7, 16); return SUCCESS; }

int cuDeviceGetAttribute(int *value, int attribute, int device) {  // as of an H200
    static const int values[256] = {
        [1] = 1024, [2] = 1024, 1024, 64, 2147483647, 65535, 65535, [8] = 49152, [9] = 65536, [10] = 32, [12] = 65536,
        [13] = 1980000, [15] = 1, [16] = MULTIPROCESSORS, [19] = 1, [31] = 1, [36] = 3201000, [37] = 6144,
        [38] = 62914560, [39] = 2048, [40] = 3, [41] = 1, [75] = 9, [76] = 0, [81] = 233472, [82] = 65536, [83] = 1,
        [95] = 1, [97] = 232448, [106] = 32, [111] = 1024,
    };
    *value = attribute >= 0 && attribute < 256 ? values[attribute] : 0;
    return SUCCESS;
}

int cuDevicePrimaryCtxRetain(void **context, int device) { *context = &blocks; return SUCCESS; }
int cuDevicePrimaryCtxRelease(int device) { return SUCCESS; }
int cuCtxGetCurrent(void **context) { *context = depth ? current[depth - 1] : NULL; return SUCCESS; }
int cuCtxSetCurrent(void *context) { current[depth ? depth - 1 : depth++] = context; return SUCCESS; }
int cuCtxPushCurrent(void *context) { return depth < 16 ? current[depth++] = context, SUCCESS : INVALID_CONTEXT; }
int cuCtxPopCurrent(void **found) { return depth ? *found = current[--depth], SUCCESS : INVALID_CONTEXT; }
int cuCtxGetDevice(int *device) { *device = 0; return depth ? SUCCESS : INVALID_CONTEXT; }
int cuCtxSynchronize(void) { UNLESS_CAPTURING("cuCtxSynchronize") note("cuCtxSynchronize"); return SUCCESS; }

// ---- Streams and events ---------------------------------------------------------------------------------------------

int cuStreamCreate(void **stream, unsigned flags) { note("cuStreamCreate"); *stream = malloc(1); return SUCCESS; }
int cuStreamDestroy(void *stream) { note("cuStreamDestroy stream=%#lx", stream); return SUCCESS; }
int cuStreamQuery(void *stream) { UNLESS_CAPTURING("cuStreamQuery") note("cuStreamQuery"); return SUCCESS; }
int cuStreamGetCtx(void *stream, void **context) { *context = &blocks; return SUCCESS; }
int cuStreamWaitEvent(void *stream, void *event, unsigned flags) {
    note("cuStreamWaitEvent stream=%#lx", stream);
    return SUCCESS;
}
int cuStreamSynchronize(void *stream) {
    UNLESS_CAPTURING("cuStreamSynchronize")
    note("cuStreamSynchronize stream=%#lx", stream);
    return SUCCESS;
}
int cuEventCreate(void **event, unsigned flags) { note("cuEventCreate"); *event = malloc(1); return SUCCESS; }
int cuEventDestroy(void *event) { note("cuEventDestroy"); free(event); return SUCCESS; }
int cuEventRecord(void *event, void *stream) { note("cuEventRecord stream=%#lx", stream); return SUCCESS; }
int cuEventQuery(void *event) { note("cuEventQuery"); return SUCCESS; }
int cuEventElapsedTime(float *ms, void *start, void *end) { *ms = 1; return SUCCESS; }
int cuEventSynchronize(void *event) {
    UNLESS_CAPTURING("cuEventSynchronize")
    note("cuEventSynchronize");
    return SUCCESS;
}

// ---- Kernels: a handle is the kernel's name -------------------------------------------------------------------------

int cuLibraryLoadData(void **library, const void *code, void *a, void *b, unsigned c, void *d, void *e, unsigned f) {
    note("cuLibraryLoadData");
    *library = malloc(1);
    return SUCCESS;
}
int cuLibraryUnload(void *library) { note("cuLibraryUnload"); return SUCCESS; }
int cuLibraryGetKernel(char **kernel, void *library, const char *name) { *kernel = strdup(name); return SUCCESS; }
int cuKernelGetFunction(void **function, void *kernel) { *function = kernel; return SUCCESS; }
int cuKernelGetAttribute(int *value, int attribute, void *kernel, int device) {
    *value = attribute == 0 ? 1024 : attribute == 4 ? 32 : 0;  // threads in a block, registers, bytes of this and that
    return SUCCESS;
}
int cuFuncGetAttribute(int *value, int attribute, void *kernel) {
    return cuKernelGetAttribute(value, attribute, kernel, 0);
}

// Numba's name of a kernel ends with a letter for each argument; x is int64.
static void arguments(const char *kernel, void **values, char *found, size_t size) {
    size_t n = strlen(kernel), count = 0, at = 0;
    while (count < n && kernel[n - 1 - count] == 'x') count++;
    found[0] = 0;
    for (size_t i = 0; i < count && values; i++)
        at += snprintf(found + at, size - at, i ? ",%ld" : "%ld", *(long *)values[i]);
}

int cuLaunchKernel(const char *kernel, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **values, void **extra) {
    if (!depth) return INVALID_CONTEXT;
    if (silent) return SUCCESS;
    char found[256];
    arguments(kernel, values, found, sizeof found);
    const char *form = "cuLaunchKernel stream=%#lx grid=%u,%u,%u block=%u,%u,%u args=%s kernel=%s";
    note(form, stream, gx, gy, gz, bx, by, bz, found, kernel);
    return SUCCESS;
}

struct launch { unsigned g[3], b[3], shared; void *stream; };

int cuLaunchKernelEx(const struct launch *l, const char *kernel, void **values, void **extra) {
    const unsigned *g = l->g, *b = l->b;
    return cuLaunchKernel(kernel, g[0], g[1], g[2], b[0], b[1], b[2], l->shared, l->stream, values, extra);
}

// ---- How all this is found ------------------------------------------------------------------------------------------

int cuGetErrorName(int error, const char **name) { *name = "ERROR"; return SUCCESS; }
int cuGetErrorString(int error, const char **name) { *name = "an error of the stand-in"; return SUCCESS; }

int cuGetProcAddress_v2(const char *name, void **found, int version, uint64_t flags, int *status) {
    static void *self;
    Dl_info info;
    if (!self && dladdr((void *)fake_log, &info)) self = dlopen(info.dli_fname, RTLD_NOW);
    *found = dlsym(self, name);
    if (status) *status = *found == NULL;
    return *found ? SUCCESS : NOT_FOUND;
}
