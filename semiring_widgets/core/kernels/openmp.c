/* One job for each thread, on the threads that torch's own OpenMP keeps.
 *
 * After each of torch's operators these threads wait for the next one by spinning. Threads of our own would
 * share their cores with them, and two would be hardly faster than one. No OpenMP is linked here: the caller
 * passes the entry point of the one that torch has loaded.
 */
#include <stdatomic.h>

typedef void job(void *);
typedef void parallel(job *member, void *data, unsigned threads, unsigned flags);

struct team {
    job *work;
    char *jobs;
    long size, count;
    atomic_long next;
};

/* Jobs go to whoever comes first, as OpenMP may give fewer threads than it is asked for. */
static void member(void *data)
{
    struct team *team = data;
    for (long i; (i = atomic_fetch_add(&team->next, 1)) < team->count;)
        team->work(team->jobs + i * team->size);
}

void semiring_together(parallel *start, job *work, void *jobs, long size, long count)
{
    struct team team = {.work = work, .jobs = jobs, .size = size, .count = count};
    start(member, &team, (unsigned)count, 0);
}
