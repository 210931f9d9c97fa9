/* main.c - the only place that exits. */
#include <stdio.h>

int main(void)
{
    puts("liminal");
    return 0;
}
