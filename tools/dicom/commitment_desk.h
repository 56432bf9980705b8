/*
 * The desk where requests for storage commitment lie until their answer was taken: one file each in a folder, so that
 * they survive the process; one thread that reads what they name, and reports.
 *
 *   undecided -> decided -> with the session that asked, while that lasts | to be sent -> gone
 *
 * Bounded (P6): COMMITMENTS_MAX requests; a request is in memory only while it is worked on. An answer that nobody
 * takes is tried again after 2, 4, 8 ... 600 s, and given up COMMITMENT_DAYS after the request.
 *
 * Threads: any, but open and close.
 */
#ifndef COMMITMENT_DESK_H
#define COMMITMENT_DESK_H

#include "association.h"
#include "commitment.h"

#define COMMITMENTS_MAX 1000u
#define COMMITMENT_DAYS 7

/* An answer comes no earlier than this after its request, so that who wants to release the association can. */
#define COMMITMENT_PAUSE_SECONDS 1

struct commitment_desk;
struct commitment_job;

/* A session that waits for answers. Its fd becomes readable when there is one. */
struct commitment_mail;

/* Opens the folder, which is made where it is needed, and goes on with what lies there. `node` is borrowed. */
CAS_MUST_USE cas_status commitment_desk_open(const struct dicom_node *node, const char *folder,
                                             struct commitment_desk **desk, struct cas_error *error);

/* Stops the thread; sessions are closed before. NULL is allowed. */
void commitment_desk_close(struct commitment_desk *desk);

/* Requests that lie there at this moment. Waits for nobody. */
unsigned commitment_desk_count(const struct commitment_desk *desk);

/* Makes the mail of a session; NULL: no memory or descriptor. */
struct commitment_mail *commitment_mail_open(struct commitment_desk *desk);
int commitment_mail_fd(const struct commitment_mail *mail);

/* What was not delivered goes another way. NULL is allowed. */
void commitment_mail_close(struct commitment_mail *mail);

/* Keeps a request: it is durable on return. CAS_BUSY: too many, or its transaction UID lies here already; CAS_IO.
 * `mail` may be NULL. */
CAS_MUST_USE cas_status commitment_desk_take(struct commitment_desk *desk, struct commitment *commitment,
                                             struct commitment_mail *mail, bool *duplicate, struct cas_error *error);

/* The next answer of the mail, loaded; NULL: none. Its session must say by commitment_done() what became of it, or
 * close the mail. */
struct commitment_job *commitment_mail_next(struct commitment_mail *mail, struct commitment *commitment);

/* The peer has taken the answer, or not. */
void commitment_done(struct commitment_desk *desk, struct commitment_job *job, bool delivered);

#endif
