// A program with a build id the linker is told, and with build information as Go's linker writes
// it.
#define MARK "0123456789abcdef"

// The length of a string stands before it: 8, and 16 + 54 + 16.
[[gnu::section(".go.buildinfo"), gnu::used, gnu::aligned(16)]] constinit char build_info[] =
    "\xff Go buildinf:\x08\x02"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\x08"
    "go1.26.8"
    "\x56" MARK "path\texample.test/cart/cmd\nmod\texample.test/cart\tv1.2\n" MARK;

int main() {
  return 0;
}
