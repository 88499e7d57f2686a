/* Copyright (c) 2026, the pixels.truenas contributors
 * GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an id-mapped mount does on TrueNAS, for zfs-fuse, which knows no such mounts: files are kept with the ids that a
 * container sees, and everybody outside sees them shifted. So the root of a container is root in its own files, as its
 * user namespace has it; to zfs-fuse it would be an ordinary user, who cannot even give a file away.
 *
 * Loaded into zfs-fuse before libfuse (LD_PRELOAD). The ids of a request are shifted as it comes in, those of a reply as
 * it goes out. Only the beginnings of libfuse's structures are declared: nothing else of them is looked at.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#define FIRST 2147000001u
#define IDS 65536u
#define SET_UID 1
#define SET_GID 2

struct context {
    uid_t uid;
    gid_t gid;
};

struct entry {
    unsigned long inode;
    unsigned long generation;
    struct stat attr;
    double attr_timeout;
    double entry_timeout;
};

typedef void (*set_attributes)(void *, unsigned long, struct stat *, int, void *);

struct operations {
    void *before[5]; /* init, destroy, lookup, forget, getattr */
    set_attributes setattr;
    void *after[60];
};

static unsigned int to_disk(unsigned int id) { return id >= FIRST && id < FIRST + IDS ? id - FIRST : id; }

static unsigned int from_disk(unsigned int id) { return id < IDS ? id + FIRST : id; }

static void shift(struct stat *attr)
{
    attr->st_uid = from_disk(attr->st_uid);
    attr->st_gid = from_disk(attr->st_gid);
}

const struct context *fuse_req_ctx(void *request)
{
    struct context *(*real)(void *) = dlsym(RTLD_NEXT, "fuse_req_ctx");
    struct context *context = real(request);

    context->uid = to_disk(context->uid);
    context->gid = to_disk(context->gid);
    return context;
}

int fuse_req_getgroups(void *request, int size, gid_t *list)
{
    int (*real)(void *, int, gid_t *) = dlsym(RTLD_NEXT, "fuse_req_getgroups");
    int found = real(request, size, list);
    int i;

    for (i = 0; i < found && i < size; i++)
        list[i] = to_disk(list[i]);
    return found;
}

int fuse_reply_attr(void *request, const struct stat *attr, double timeout)
{
    int (*real)(void *, const struct stat *, double) = dlsym(RTLD_NEXT, "fuse_reply_attr");
    struct stat shifted = *attr;

    shift(&shifted);
    return real(request, &shifted, timeout);
}

int fuse_reply_entry(void *request, const struct entry *entry)
{
    int (*real)(void *, const struct entry *) = dlsym(RTLD_NEXT, "fuse_reply_entry");
    struct entry shifted = *entry;

    shift(&shifted.attr);
    return real(request, &shifted);
}

int fuse_reply_create(void *request, const struct entry *entry, const void *file)
{
    int (*real)(void *, const struct entry *, const void *) = dlsym(RTLD_NEXT, "fuse_reply_create");
    struct entry shifted = *entry;

    shift(&shifted.attr);
    return real(request, &shifted, file);
}

static set_attributes real_setattr;

static void shifted_setattr(void *request, unsigned long inode, struct stat *attr, int to_set, void *file)
{
    if (to_set & SET_UID)
        attr->st_uid = to_disk(attr->st_uid);
    if (to_set & SET_GID)
        attr->st_gid = to_disk(attr->st_gid);
    real_setattr(request, inode, attr, to_set, file);
}

void *fuse_lowlevel_new(void *arguments, const struct operations *operations, size_t size, void *data)
{
    void *(*real)(void *, const struct operations *, size_t, void *) = dlsym(RTLD_NEXT, "fuse_lowlevel_new");
    struct operations shifted;

    if (size > sizeof(shifted))
        abort();
    memcpy(&shifted, operations, size);
    real_setattr = shifted.setattr;
    shifted.setattr = shifted_setattr;
    return real(arguments, &shifted, size, data);
}
