/*
 * EVP_MAC of OpenSSL 3, as far as SQLCipher uses it, in the words of AWS-LC, which has HMAC only by
 * its older name. Results are 1 for success and 0 for failure, as in OpenSSL.
 */
#ifndef SETTEE_EVP_MAC_H
#define SETTEE_EVP_MAC_H

#include <string.h>

#include <openssl/digest.h>
#include <openssl/hmac.h>

#define OSSL_PARAM_UTF8_STRING 4
#define OSSL_PARAM_END { NULL, 0, NULL, 0, 0 }

typedef struct {
  const char *key;
  unsigned int data_type;
  void *data;
  size_t data_size;
  size_t return_size;
} OSSL_PARAM;

typedef const char EVP_MAC;
typedef HMAC_CTX EVP_MAC_CTX;

/* "HMAC" alone is known; properties choose between providers, of which there are none here. */
static inline EVP_MAC *EVP_MAC_fetch(void *library, const char *name, const char *properties) {
  (void)library;
  (void)properties;
  return strcmp(name, "HMAC") == 0 ? "HMAC" : NULL;
}

static inline void EVP_MAC_free(EVP_MAC *mac) {
  (void)mac;
}

static inline EVP_MAC_CTX *EVP_MAC_CTX_new(EVP_MAC *mac) {
  (void)mac;
  return HMAC_CTX_new();
}

static inline void EVP_MAC_CTX_free(EVP_MAC_CTX *ctx) {
  HMAC_CTX_free(ctx);
}

/* The one parameter is the name of the digest. */
static inline int EVP_MAC_init(EVP_MAC_CTX *ctx, const unsigned char *key, size_t length,
                               const OSSL_PARAM *digest) {
  const char *name = (const char *)digest->data;
  const EVP_MD *md = strcmp(name, "sha512") == 0   ? EVP_sha512()
                     : strcmp(name, "sha256") == 0 ? EVP_sha256()
                     : strcmp(name, "sha1") == 0   ? EVP_sha1()
                                                   : NULL;
  return md != NULL && HMAC_Init_ex(ctx, key, length, md, NULL);
}

static inline int EVP_MAC_update(EVP_MAC_CTX *ctx, const unsigned char *data, size_t length) {
  return HMAC_Update(ctx, data, length);
}

/* Without `out`, only the length is told. */
static inline int EVP_MAC_final(EVP_MAC_CTX *ctx, unsigned char *out, size_t *length, size_t room) {
  unsigned int written = 0;
  *length = HMAC_size(ctx);
  if (out == NULL) {
    return 1;
  }
  return room >= *length && HMAC_Final(ctx, out, &written);
}

#endif
