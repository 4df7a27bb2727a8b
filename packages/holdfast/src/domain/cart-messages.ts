/** Sentences about carts and coupons that several steps show to the buyer, each written once. */
import type { CouponFault } from './coupon.ts'

export const emptyCartMessage = 'Your cart is empty.'

export const couponMessages: Readonly<Record<CouponFault | 'used_up' | 'used_up_by_customer', string>> = {
  unknown: 'This coupon does not exist. Check its code.',
  not_started: 'This coupon is not valid yet.',
  ended: 'This coupon has expired.',
  minimum_not_reached: 'Your cart is below the minimum order value of this coupon.',
  not_convertible: 'This coupon cannot be used in the currency of your cart.',
  used_up: 'This coupon has been used up.',
  used_up_by_customer: 'You have already used this coupon as often as it allows.',
}
