/* parent.h: a process that does not outlive the one that started it. */
#ifndef FSGD_PARENT_H
#define FSGD_PARENT_H

#ifdef __linux__
#include <signal.h>
#include <sys/prctl.h>
#endif

/* Linux kills this process when the thread that started it ends, also where it is stopped. */
static void fsgd_die_with_parent(void)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

#endif
