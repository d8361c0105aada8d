/* SPDX-License-Identifier: BSD-3-Clause */
#include "of_tls.h"

#include <errno.h>
#include <stdlib.h>

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

struct of_tls {
	SSL_CTX *ctx;
};

static int refuse(struct fault *f, const char *field, const char *path, const char *message)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return fault_str(f, -EINVAL, field, path, NULL, "%s: %s", message, reason != NULL ? reason : "unknown reason");
}

static int load(SSL_CTX *ctx, const char *key, const char *certificate, const char *ca, struct fault *f)
{
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		return refuse(f, "certificate", certificate, "the certificate cannot be used");
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		return refuse(f, "private_key", key, "the key cannot be used");
	if (SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1)
		return refuse(f, "ca_certificate", ca, "the authorities' certificates cannot be used");
	return 0;
}

int of_tls_create(struct of_tls **out, const char *key, const char *certificate, const char *ca, struct fault *f)
{
	struct of_tls *t = malloc(sizeof(*t));
	int rc;

	if (t == NULL)
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for TLS");
	ERR_clear_error();
	t->ctx = SSL_CTX_new(TLS_method());
	if (t->ctx == NULL) {
		free(t);
		return fault_set(f, -ENOMEM, NULL, NULL, NULL, "no memory for TLS");
	}
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	// A session would be resumed without its certificate being asked for again.
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(t->ctx, 0);
	rc = load(t->ctx, key, certificate, ca, f);
	if (rc < 0) {
		of_tls_destroy(t);
		return rc;
	}
	*out = t;
	return 0;
}

void of_tls_destroy(struct of_tls *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}

struct bufferevent *of_tls_bufferevent(struct of_tls *t, struct event_base *base, int fd, bool server)
{
	SSL *ssl = SSL_new(t->ctx);
	struct bufferevent *bev;

	if (ssl == NULL)
		return NULL;
	bev = bufferevent_openssl_socket_new(base, fd, ssl,
					     server ? BUFFEREVENT_SSL_ACCEPTING : BUFFEREVENT_SSL_CONNECTING,
					     BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (bev == NULL)
		SSL_free(ssl);
	else
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}
