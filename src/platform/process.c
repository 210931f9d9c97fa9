/* process.c - see process.h. */
#include "platform/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "platform/platform.h"

static enum status spawn_quietly(const char *const *arguments, pid_t *child, struct fault *fault)
{
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return fault_set(fault, STATUS_NO_MEMORY, "out of memory");
    int error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error) error = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    if (!error)
        error =
            posix_spawnp(child, arguments[0], &actions, NULL, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (!error) return OK;
    return fault_set(fault, error == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "cannot run %s: %s",
                     arguments[0], strerror(error));
}

enum status process_run(const char *const *arguments, uint64_t timeout_ms, int *exit_code,
                        struct fault *fault)
{
    pid_t child;
    TRY(spawn_quietly(arguments, &child, fault));
    uint64_t deadline_ns = clock_monotonic_ns() + timeout_ms * 1000000u;
    for (;;) {
        int how;
        pid_t ended = waitpid(child, &how, WNOHANG);
        if (ended == child) {
            *exit_code = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
            return OK;
        }
        if (ended < 0 && errno != EINTR)
            return fault_set(fault, STATUS_IO, "cannot wait for %s: %s", arguments[0],
                             strerror(errno));
        if (clock_monotonic_ns() >= deadline_ns) {
            kill(child, SIGKILL);
            waitpid(child, &how, 0);
            return fault_set(fault, STATUS_TIMEOUT, "%s did not end within %llu ms", arguments[0],
                             (unsigned long long)timeout_ms);
        }
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}
