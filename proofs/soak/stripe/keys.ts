/** The keys of the simulator's only account. */
export const secretKey = 'sk_test_soak0123456789'
export const publishableKey = 'pk_test_soak0123456789'
