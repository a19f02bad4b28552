;; C += A B, the one thing that the live UNet does outside of JavaScript.
;;
;; A is m rows of k numbers. B is cut into panels of eight columns, one behind the other, each k rows of eight numbers.
;; C is m rows of 8·panels numbers. All are float32 in row order; $a, $b, $c are where they begin, in bytes.
;;
;; The sum over k is innermost. Four rows of C in eight columns are summed at a time, in eight registers: each row of
;; a panel is then read once for four rows of A.
(module
  (import "live" "memory" (memory 1))

  (func (export "product")
    (param $a i32) (param $b i32) (param $c i32) (param $m i32) (param $k i32) (param $panels i32)
    (local $row i32) (local $width i32) (local $left i32) (local $from i32) (local $to i32)
    (local.set $row (i32.shl (local.get $k) (i32.const 2)))          ;; bytes of a row of A
    (local.set $width (i32.shl (local.get $panels) (i32.const 5)))   ;; bytes of a row of C
    (loop $panel
      (local.set $from (local.get $a))
      (local.set $to (local.get $c))
      (local.set $left (local.get $m))
      (block $few
        (loop $fours
          (br_if $few (i32.lt_u (local.get $left) (i32.const 4)))
          (call $four (local.get $from) (local.get $b) (local.get $to) (local.get $k) (local.get $row) (local.get $width))
          (local.set $from (i32.add (local.get $from) (i32.shl (local.get $row) (i32.const 2))))
          (local.set $to (i32.add (local.get $to) (i32.shl (local.get $width) (i32.const 2))))
          (local.set $left (i32.sub (local.get $left) (i32.const 4)))
          (br $fours)))
      (block $none
        (loop $ones
          (br_if $none (i32.eqz (local.get $left)))
          (call $one (local.get $from) (local.get $b) (local.get $to) (local.get $k))
          (local.set $from (i32.add (local.get $from) (local.get $row)))
          (local.set $to (i32.add (local.get $to) (local.get $width)))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br $ones)))
      (local.set $b (i32.add (local.get $b) (i32.shl (local.get $k) (i32.const 5))))
      (local.set $c (i32.add (local.get $c) (i32.const 32)))
      (br_if $panel (local.tee $panels (i32.sub (local.get $panels) (i32.const 1))))))

  ;; One row of A times one panel.
  (func $one (param $a i32) (param $b i32) (param $c i32) (param $k i32)
    (local $s v128) (local $l v128) (local $r v128)
    (local.set $l (v128.load (local.get $c)))
    (local.set $r (v128.load offset=16 (local.get $c)))
    (loop $sum
      (local.set $s (v128.load32_splat (local.get $a)))
      (local.set $l (f32x4.add (local.get $l) (f32x4.mul (local.get $s) (v128.load (local.get $b)))))
      (local.set $r (f32x4.add (local.get $r) (f32x4.mul (local.get $s) (v128.load offset=16 (local.get $b)))))
      (local.set $a (i32.add (local.get $a) (i32.const 4)))
      (local.set $b (i32.add (local.get $b) (i32.const 32)))
      (br_if $sum (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
    (v128.store (local.get $c) (local.get $l))
    (v128.store offset=16 (local.get $c) (local.get $r)))

  ;; Four rows of A times one panel. l and r: the left and the right four columns of C, in rows 0 to 3.
  (func $four (param $a i32) (param $b i32) (param $c i32) (param $k i32) (param $row i32) (param $width i32)
    (local $a1 i32) (local $a2 i32) (local $a3 i32) (local $c1 i32) (local $c2 i32) (local $c3 i32)
    (local $s v128) (local $bl v128) (local $br v128)
    (local $l0 v128) (local $l1 v128) (local $l2 v128) (local $l3 v128)
    (local $r0 v128) (local $r1 v128) (local $r2 v128) (local $r3 v128)
    (local.set $a1 (i32.add (local.get $a) (local.get $row)))
    (local.set $a2 (i32.add (local.get $a1) (local.get $row)))
    (local.set $a3 (i32.add (local.get $a2) (local.get $row)))
    (local.set $c1 (i32.add (local.get $c) (local.get $width)))
    (local.set $c2 (i32.add (local.get $c1) (local.get $width)))
    (local.set $c3 (i32.add (local.get $c2) (local.get $width)))
    (local.set $l0 (v128.load (local.get $c)))
    (local.set $r0 (v128.load offset=16 (local.get $c)))
    (local.set $l1 (v128.load (local.get $c1)))
    (local.set $r1 (v128.load offset=16 (local.get $c1)))
    (local.set $l2 (v128.load (local.get $c2)))
    (local.set $r2 (v128.load offset=16 (local.get $c2)))
    (local.set $l3 (v128.load (local.get $c3)))
    (local.set $r3 (v128.load offset=16 (local.get $c3)))
    (loop $sum
      (local.set $bl (v128.load (local.get $b)))
      (local.set $br (v128.load offset=16 (local.get $b)))
      (local.set $s (v128.load32_splat (local.get $a)))
      (local.set $l0 (f32x4.add (local.get $l0) (f32x4.mul (local.get $s) (local.get $bl))))
      (local.set $r0 (f32x4.add (local.get $r0) (f32x4.mul (local.get $s) (local.get $br))))
      (local.set $s (v128.load32_splat (local.get $a1)))
      (local.set $l1 (f32x4.add (local.get $l1) (f32x4.mul (local.get $s) (local.get $bl))))
      (local.set $r1 (f32x4.add (local.get $r1) (f32x4.mul (local.get $s) (local.get $br))))
      (local.set $s (v128.load32_splat (local.get $a2)))
      (local.set $l2 (f32x4.add (local.get $l2) (f32x4.mul (local.get $s) (local.get $bl))))
      (local.set $r2 (f32x4.add (local.get $r2) (f32x4.mul (local.get $s) (local.get $br))))
      (local.set $s (v128.load32_splat (local.get $a3)))
      (local.set $l3 (f32x4.add (local.get $l3) (f32x4.mul (local.get $s) (local.get $bl))))
      (local.set $r3 (f32x4.add (local.get $r3) (f32x4.mul (local.get $s) (local.get $br))))
      (local.set $a (i32.add (local.get $a) (i32.const 4)))
      (local.set $a1 (i32.add (local.get $a1) (i32.const 4)))
      (local.set $a2 (i32.add (local.get $a2) (i32.const 4)))
      (local.set $a3 (i32.add (local.get $a3) (i32.const 4)))
      (local.set $b (i32.add (local.get $b) (i32.const 32)))
      (br_if $sum (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
    (v128.store (local.get $c) (local.get $l0))
    (v128.store offset=16 (local.get $c) (local.get $r0))
    (v128.store (local.get $c1) (local.get $l1))
    (v128.store offset=16 (local.get $c1) (local.get $r1))
    (v128.store (local.get $c2) (local.get $l2))
    (v128.store offset=16 (local.get $c2) (local.get $r2))
    (v128.store (local.get $c3) (local.get $l3))
    (v128.store offset=16 (local.get $c3) (local.get $r3))))
