/** The keys of the soak's account at Stripe's simulator, which has no other. */
export const secretKey = 'sk_test_soak0123456789'
export const publishableKey = 'pk_test_soak0123456789'
