/* The one version that every program of the project answers to -v. */
#ifndef NET_VERSION_H
#define NET_VERSION_H

#define VERSION "0.1.0"

#endif
