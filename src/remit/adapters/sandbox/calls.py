"""System call numbers for the seccomp filter: (x86-64, aarch64), None where there is no such call.

Source: asm/unistd_64.h and asm-generic/unistd.h; above 424 the numbers are common to all.
"""

# AUDIT_ARCH_* of include/uapi/linux/audit.h.
ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
# file_setattr, Linux 6.17. What comes later was not reviewed and does not exist for the program.
LAST = 469

# Attack surface no tool needs, or that reaches other processes and the machine.
ALWAYS: dict[str, tuple[int | None, int | None]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "create_module": (174, None),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "nfsservctl": (180, 42),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "shmget": (29, 194),  # memory that no process limit counts
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "uselib": (134, None),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}

# Answered with ENOSYS, so that libraries take another way.
ABSENT: dict[str, tuple[int | None, int | None]] = {
    "clone3": (435, 435),  # its flags lie in memory, where a filter cannot look
    "memfd_create": (319, 279),  # memory that no process limit counts
    "openat2": (437, 437),  # the same: it could make a file with a set-uid bit
}

# Without namespaces these reach what is outside: they take any path, process or queue.
WITHOUT_NAMESPACES: dict[str, tuple[int | None, int | None]] = {
    "bind": (49, 200),  # abstract names are the machine's
    "chown": (92, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "file_setattr": (469, 469),
    "fremovexattr": (199, 16),
    "fsetxattr": (190, 7),
    "futimesat": (261, None),
    "inotify_add_watch": (254, 27),  # names in folders that may not be listed
    "ioprio_set": (251, 30),
    "lchown": (94, None),
    "listmount": (458, 458),
    "lremovexattr": (198, 15),
    "lsetxattr": (189, 6),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "msgctl": (71, 187),
    "msgget": (68, 186),
    "msgrcv": (70, 188),  # queues, semaphores and segments go by numbers that can be guessed
    "msgsnd": (69, 189),
    "removexattr": (197, 14),
    "removexattrat": (466, 466),
    "sched_setattr": (314, 274),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "semctl": (66, 191),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "setpriority": (141, 140),
    "setxattr": (188, 5),
    "setxattrat": (463, 463),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "shmdt": (67, 197),
    "statmount": (457, 457),
    "utime": (132, None),
    "utimes": (235, None),
}

# Signals by number: denied where Landlock cannot scope them (before version 6).
SIGNALS: dict[str, tuple[int | None, int | None]] = {
    "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "tkill": (200, 130),
}

# Process makers; clone3 is absent.
CLONE = (56, 220)
FORK = (57, None)
VFORK = (58, None)

# Calls that set permission bits -> which argument holds them.
CHMODS: dict[tuple[int | None, int | None], int] = {
    (90, None): 1,  # chmod
    (91, 52): 1,  # fchmod
    (268, 53): 2,  # fchmodat
    (452, 452): 2,  # fchmodat2
}
CREATORS: dict[tuple[int | None, int | None], int] = {
    (85, None): 1,  # creat
    (133, None): 1,  # mknod
    (259, 33): 2,  # mknodat
}
# Calls that may make a file -> the argument with the flags; that with the bits follows.
OPENERS: dict[tuple[int | None, int | None], int] = {
    (2, None): 1,  # open
    (257, 56): 2,  # openat
}

FCNTL = (72, 25)
IOCTL = (16, 29)
KILL = (62, 129)
PRLIMIT64 = (302, 261)
SCHED_SETAFFINITY = (203, 122)
SECCOMP = (317, 277)
SOCKET = (41, 198)
SOCKETPAIR = (53, 199)
TGKILL = (234, 131)
TRUNCATE = (76, 45)
UTIMENSAT = (280, 88)
